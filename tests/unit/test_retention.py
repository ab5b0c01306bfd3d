"""Which tables forget, and after how many days."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.record import LONGEST_DAYS
from schemas.topics import DEAD_LETTERS
from streams.settings import Settings
from streams.store.migrations import keeping, shipped_migrations
from streams.store.retention import Keeping, refuse_longer, shipped_keeping, wanted_keeping

SCRIPTS = [migration.script for migration in shipped_migrations()]


def test_every_table_that_forgets_is_known():
    """As many as the migrations have TTLs, each once."""
    tables = [each.table for each in shipped_keeping(SCRIPTS)]
    assert len(set(tables)) == len(tables) == len(re.findall(r"^TTL ", "\n".join(SCRIPTS), re.MULTILINE))
    assert {"verdicts", "ledger", "settlements", "embeddings"} <= set(tables)


def test_days_that_are_set_take_the_place_of_the_shipped_ones():
    """Of the tables that are named; the others keep theirs."""
    shipped = (Keeping("a", "log_time", 90), Keeping("b", "made_at", 400, by_policy=True))
    assert wanted_keeping(shipped, {"b": 30}) == (shipped[0], Keeping("b", "made_at", 30, by_policy=True))


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
    assert Policy(id="p", version=1, retention={"days": longest + 1}).retention.days == longest + 1
    with pytest.raises(ValidationError):
        Policy(id="p", version=1, retention={"days": longest})


@pytest.mark.parametrize(("set_days", "days", "refused"), [({}, 90, False), ({}, 91, True),
                                                           ({"verdicts": 400}, 91, False), ({"verdicts": 30}, 31, True),
                                                           ({"verdicts": 30}, None, False)])  # fmt: skip
def test_a_policy_that_wants_more_than_the_tables_give_is_refused(set_days, days, refused):
    """Rather than that somebody counts on rows which are going to be gone."""
    policy, kept = Policy(id="p", version=1, retention={"days": days}), keeping(Settings(store_days=set_days))
    if not refused:
        return refuse_longer(policy, kept)
    with pytest.raises(ConfigError, match=rf"policy p: {days} is more than .*WEIR_STORE_DAYS") as caught:
        refuse_longer(policy, kept)
    assert (caught.value.code, caught.value.field) == ("POLICY", "retention.days")
    return None


def test_no_number_of_days_makes_the_engine_forget_everything():
    """Its instants end in 2106, and what would lie behind that is long past to it: half a century may be asked for."""
    end, most = datetime(2106, 2, 7, tzinfo=UTC), timedelta(days=LONGEST_DAYS)
    assert datetime(2050, 1, 1, tzinfo=UTC) + most < end
    with pytest.raises(ValidationError):
        Settings(store_days={"verdicts": LONGEST_DAYS + 1})
