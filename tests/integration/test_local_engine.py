"""The engine's process: signals, crashes, the lock on its directory, and what it logs."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from streams.local.engine import EnginePlan
from tests.fixtures.engine import connect, start_engine
from tests.fixtures.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.store

CANARY = "canary-9f2c"


@pytest.fixture
def engine(tmp_path):
    """A running engine of the test's own: its process and its plan."""
    process, plan = start_engine(tmp_path, os.getpid())
    yield process, plan
    process.kill()
    process.wait()


def test_sigterm_ends_it(engine):
    """SIGTERM ends the process with status 0, also while a client is connected."""
    process, plan = engine
    client = connect(plan.url)
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
    client.close()


def test_sigterm_does_not_wait_for_an_endless_query(engine):
    """A query that would never end does not hold the process up."""
    process, plan = engine

    def ask():
        body = b"SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 FORMAT JSON"
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(plan.url, data=body, timeout=PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        time.sleep(0.5)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        asked.result(PATIENCE_SECONDS)


def test_acknowledged_rows_survive_kill(engine, tmp_path):
    """After kill -9 in the middle of inserts every acknowledged batch is there, and every batch is whole."""
    process, plan = engine
    client = connect(plan.url)
    client.command("CREATE DATABASE kept")
    client.command("CREATE TABLE kept.t (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (batch, n)")
    acknowledged = []

    def insert():
        for batch in range(10_000):
            client.insert("kept.t", [[batch, n] for n in range(200)])
            acknowledged.append(batch)

    with ThreadPoolExecutor(1) as pool:
        inserting = pool.submit(insert)
        while len(acknowledged) < 20:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert inserting.exception(PATIENCE_SECONDS) is not None
    again, plan = start_engine(tmp_path, os.getpid())
    try:
        rows = connect(plan.url).query("SELECT batch, count() FROM kept.t GROUP BY batch").result_rows
    finally:
        again.terminate()
        again.wait(PATIENCE_SECONDS)
    assert {count for _, count in rows} == {200}
    assert set(acknowledged) <= {batch for batch, _ in rows}


def test_a_directory_has_one_owner(engine, tmp_path):
    """A second process on the same directory ends with one line that says so."""
    _, plan = engine
    command = EnginePlan(plan.directory, 1).spec().command
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert second.returncode == 1
    assert "cannot be opened" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_ends_the_process(engine, tmp_path):
    """A process that cannot listen ends with status 1 instead of running unseen."""
    _, plan = engine
    command = EnginePlan(tmp_path / "other", plan.port).spec().command
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert second.returncode == 1
    assert "address already in use" in second.stderr


def test_nothing_of_queries_or_data_is_logged(engine, tmp_path):
    """Statements, parameters, data and errors leave no trace in the log."""
    _, plan = engine
    for body in [
        f"SELECT '{CANARY}'",
        f"SELECT {CANARY}",
        f"SELECT throwIf(1, '{CANARY}')",
        f"SELECT file('{CANARY}')",
        f"INSERT INTO nowhere FORMAT CSV\n{CANARY}",
        f"SELECT throwIf(number = 200000, '{CANARY}') FROM numbers(300000)",
    ]:
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"{plan.url}/?param_x={CANARY}", data=body.encode(), timeout=60).read()
    assert CANARY not in (tmp_path / "clickhouse.log").read_text()


def test_importing_the_plan_starts_nothing():
    """The command line may know the engine without loading it."""
    code = "import sys, streams.local.engine, streams.local.embedded, streams.local.front; print('chdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_it_ends_with_its_owner(tmp_path):
    """An engine whose owner was killed goes too, so that its directory is free again."""
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    process, _ = start_engine(tmp_path, owner.pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert process.wait(PATIENCE_SECONDS) is not None
