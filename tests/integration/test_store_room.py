"""A store whose disk is full, on a small disk of its own."""

import os

import pytest

from schemas.errors import UnavailableError
from streams.settings import load_settings
from streams.store.migrations import migrate, shipped_migrations
from tests.chaos.machine import Machine
from tests.fixtures.engine import start_engine

pytestmark = [pytest.mark.store]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with Machine(tmp_path_factory.mktemp("room")) as machine:
        if "full" not in machine.kinds:
            pytest.skip("only root may mount a small disk")
        yield machine


@pytest.fixture
def small(machine):
    process, plan = start_engine(machine.home, os.getpid())
    yield load_settings().model_copy(update={"clickhouse_url": plan.url, "database": "weir"})
    process.terminate()
    process.wait(60)


def test_tables_are_not_changed_on_a_full_disk(machine, small):
    """ClickHouse would lose them; with room again, the same command goes through."""
    shipped = shipped_migrations()
    migrate(small, shipped[:-1])
    with machine.full_disk(), pytest.raises(UnavailableError, match="MiB left"):
        migrate(small, shipped)
    assert [each.new for each in migrate(small, shipped)] == [False] * (len(shipped) - 1) + [True]
