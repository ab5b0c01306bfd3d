"""Which tables forget, and after how many days."""

import re

import pytest
from pydantic import ValidationError

from schemas.errors import ConfigError
from schemas.topics import DEAD_LETTERS
from streams.settings import Settings
from streams.store.migrations import shipped_migrations
from streams.store.retention import Keeping, shipped_keeping, wanted_keeping

SCRIPTS = [migration.script for migration in shipped_migrations()]


def test_every_table_that_forgets_is_known():
    """As many as the migrations have TTLs, each once."""
    tables = [each.table for each in shipped_keeping(SCRIPTS)]
    assert len(set(tables)) == len(tables) == len(re.findall(r"^TTL ", "\n".join(SCRIPTS), re.MULTILINE))
    assert {"verdicts", "ledger", "settlements", "embeddings"} <= set(tables)


def test_days_that_are_set_take_the_place_of_the_shipped_ones():
    """Of the tables that are named; the others keep theirs."""
    shipped = (Keeping("a", "log_time", 90), Keeping("b", "made_at", 400))
    assert wanted_keeping(shipped, {"b": 30}) == (shipped[0], Keeping("b", "made_at", 30))


@pytest.mark.parametrize("table", ["verdict", "unmaskings", "v_verdicts"])
def test_a_table_that_does_not_forget_is_refused(table):
    """A misspelt name, a view, or the log of who looked at raw text."""
    with pytest.raises(ConfigError, match="WEIR_STORE_DAYS"):
        wanted_keeping(shipped_keeping(SCRIPTS), {table: 30})


def test_nothing_is_forgotten_sooner_than_its_topic():
    """Dead letters are in Kafka for two weeks: their rows are not to go before them."""
    longest = max(topic.retention.days for topic in DEAD_LETTERS)
    assert Settings(store_days={"ledger": longest + 1}).store_days == {"ledger": longest + 1}
    with pytest.raises(ValidationError):
        Settings(store_days={"ledger": longest})
