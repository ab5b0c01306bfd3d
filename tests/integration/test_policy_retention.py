"""How long a policy lets its traffic stay in the store: on the real engine, with rows of long ago."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest

from schemas.label import Label
from streams.store.columns import milliseconds
from tests.fixtures import opinions, served_rows
from tests.fixtures.opinions import opinion
from tests.fixtures.served_rows import reply, review, settlement
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import message, verdict

pytestmark = pytest.mark.store
NOW = datetime.now(UTC)
BY_POLICY = {
    "verdicts": "source_event_id",
    "replies": "source_event_id",
    "reviews": "source_event_id",
    "feedback": "source_event_id",
    "labels": "reader",
    "embeddings": "user",
}
"""The tables that go by policy, each with a column that tells its rows from others."""


def put_all(store, put, name, offset, days_ago, days):
    """A row in every table that goes by policy, taken in so long ago under a policy that says so many days."""
    at = NOW - timedelta(days=days_ago)
    number = UUID(int=offset + 1)
    read = {"label_id": number, "review_id": number, "verdict_id": number, "opened_at": at, "labelled_at": at}
    records = (
        reply(name, served_rows.at(offset), keep_days=days),
        settlement(name, served_rows.at(offset), keep_days=days),
        review(name, keep_days=days),
        Label(**read, app="shop", by=name, answers={"pii": True}, keep_days=days),
    )
    put(message(verdict(name, offset, keep_days=days), offset, time=at))
    put(*(served_rows.message(record, offset, time=at) for record in records))
    put(replace(opinions.message(opinion(name, offset, keep_days=days), offset), timestamp=at))
    made = {"verdict_id": number, "side": "prompt", "app": "shop", "user": name, "keep_days": days or 0}
    store.insert("embeddings", [{**made, "source_time": milliseconds(at), "vector": [1]}], token=name)


def test_rows_go_by_the_policy_that_they_were_judged_under(store, database_settings):
    """By the lesser of the policy's days and the table's; what an earlier version has said holds for its rows."""
    put = putting(store, database_settings)
    told = {"brief": 30, "long": 400, "silent": None}
    for offset, (days_ago, (name, days)) in enumerate(product((20, 40, 100), told.items())):
        put_all(store, put, f"{name}-{days_ago}", offset, days_ago, days)
    for table in BY_POLICY:
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    young = {f"{name}-{days}" for name, days in product(told, (20, 40, 100))}
    young -= {"brief-40", "brief-100", "long-100", "silent-100"}
    left = {table: {row["name"] for row in store.select(f"SELECT {name} AS name FROM {table} FINAL")}
            for table, name in BY_POLICY.items()}  # fmt: skip
    keeps_longer = {"labels": {"long-100", "silent-100"}}  # for 400 days
    assert left == {table: young | keeps_longer.get(table, set()) for table in BY_POLICY}
    store.command("OPTIMIZE TABLE settlements FINAL")
    states = store.select("SELECT source_event_id, conversation_id, source, state FROM v_settlements ORDER BY ALL")
    named = {("", "", "")} | {(name, "c1", "test") for name in young}
    assert {(row["source_event_id"], row["conversation_id"], row["source"]) for row in states} == named
    assert len(states) == len(young) + 1  # those of 100 days ago are too old for all
    assert {row["state"] for row in states} == {"settled"}
    rows = store.select("SELECT source_event_id AS name, keep_days FROM v_verdicts WHERE endsWith(name, '-20')")
    assert {row["name"]: row["keep_days"] for row in rows} == {"brief-20": 30, "long-20": 400, "silent-20": 0}


def test_rows_that_are_there_can_be_given_fewer_days(store, database_settings):
    """As docs/operations-guide.md has it: what an earlier version said is lowered, and what is too old by that goes."""
    put = putting(store, database_settings)
    for offset, days_ago in enumerate((20, 40)):
        put_all(store, put, f"shop-{days_ago}", offset, days_ago, None)
    guide = (Path(__file__).parents[2] / "docs" / "operations-guide.md").read_text()
    rows, names = re.findall(r"ALTER TABLE weir\.\w+ UPDATE[^`;]*", guide)
    for table in (*BY_POLICY, "settlements"):
        example = names if table == "settlements" else rows.replace("verdicts", table)
        store.command(f"{example.replace('weir.', '')} SETTINGS mutations_sync = 2")
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    for table, name in BY_POLICY.items():
        assert store.select(f"SELECT {name} AS name, keep_days FROM {table}") == [{"name": "shop-20", "keep_days": 30}]
    left = store.select("SELECT source_event_id, keep_names_days AS days FROM settlements ORDER BY offset")
    assert [tuple(row.values()) for row in left] == [("shop-20", 30), ("", 30)]


def test_every_table_that_says_whose_its_rows_are_goes_by_policy(store):
    """A user, a conversation, or somebody's words about a text; the record of who looked at raw texts stays."""
    columns = "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name IN "
    tables = {row["table"] for row in store.select(f"{columns} ('conversation_id', 'user', 'note')")}
    assert {table for table in tables if not table.startswith("v_")} == {*BY_POLICY, "settlements"}  # whose names go
    made = store.select("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    assert {row["name"] for row in made if "least(keep_days, " in row["engine_full"]} == set(BY_POLICY)
