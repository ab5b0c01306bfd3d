"""From every earlier version of the store's schema to this one, with rows in the tables."""

from uuid import UUID

import pytest

from schemas.errors import ConfigError
from streams.settings import Settings
from streams.store.client import Store
from streams.store.migrations import migrate, shipped_migrations
from streams.store.shelves import shelves
from tests.fixtures.earlier_records import earlier_messages
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import message, verdict
from tests.fixtures.store_side import count

pytestmark = pytest.mark.store
OWN = ("schema_migrations", "accepted_topics")
COLUMNS = "SELECT name, type, is_in_sorting_key AS sorts FROM system.columns WHERE database = currentDatabase()"


def tables(store):
    rows = store.select("SELECT name, engine FROM system.tables WHERE database = currentDatabase() ORDER BY name")
    return {row["name"]: row["engine"] for row in rows}


def stored(store):
    return [name for name, engine in tables(store).items() if "MergeTree" in engine and name not in OWN]


def schema(store):
    """Every column of every table and view, and how tables are made."""
    here = "WHERE database = currentDatabase() ORDER BY ALL"
    columns = store.select(f"SELECT table, name, type, default_expression FROM system.columns {here}")
    made = store.select(f"SELECT name, engine_full, as_select FROM system.tables {here}")
    (own,) = store.select("SELECT currentDatabase() AS name")
    return columns, [(row["name"], row["engine_full"], row["as_select"].replace(own["name"], "")) for row in made]


def value(kind, version):
    """A value of a column's type that differs from version to version."""
    if "String" in kind:
        return f"v{version}"
    if kind == "UUID":
        return UUID(int=version)
    return version if "Int" in kind else 1_790_000_000_000 + version


def put_row(store, table, version):
    """A row as a writer of that version might have stored it: what tells it from others, and the broker's time."""
    columns = store.select(f"{COLUMNS} AND table = '{table}'")
    wanted = [each for each in columns if each["sorts"] or each["name"] in {"log_time", "source_time", "period_end"}]
    row = {each["name"]: value(each["type"], version) for each in wanted if not each["type"].startswith("Enum")}
    store.insert(table, [row], token=f"{table}/{version}")


def test_rows_of_every_version_are_there_after_the_upgrade(clickhouse_url, database):
    """A database upgraded step by step keeps every row, is made as a new one is, and takes what is written now.

    Each table has a row from every version that changed it or names it. No table is written anew: it may be large.
    """
    settings, shipped, rows = Settings(clickhouse_url=clickhouse_url, database=database), shipped_migrations(), {}
    with Store.of(settings) as store:
        for version in range(1, len(shipped) + 1):
            migrate(settings, shipped[:version])
            for table in (table for table in stored(store) if table in shipped[version - 1].script):
                put_row(store, table, version)
                rows[table] = rows.get(table, 0) + 1
        assert {table: count(store, f"{table} FINAL") for table in rows} == rows
        assert len(rows) > 12
        assert store.select("SELECT * FROM system.mutations WHERE database = currentDatabase()") == []
        for view in (name for name, engine in tables(store).items() if engine == "View"):
            store.select(f"SELECT * FROM {view}")
        putting(store, settings)(message(verdict("new"), 10**6))
        assert count(store, "v_verdicts") == rows["verdicts"] + 1
        with Store(settings, f"{database}_new") as other:
            try:
                migrate(settings.model_copy(update={"database": f"{database}_new"}))
                assert schema(store) == schema(other)
            finally:
                store.command(f"DROP DATABASE IF EXISTS {database}_new")


def test_what_tests_use_is_what_migrations_make(database_settings, migrated):
    """The copy that tests are given is made as a migrated database is, and has nothing left to be applied."""
    with Store.of(database_settings) as copied, Store(database_settings, migrated) as made:
        assert schema(copied) == schema(made)
    assert not any(applied.new for applied in migrate(database_settings))


def test_what_an_earlier_version_left_in_the_topics_is_stored(database_settings):
    """Each message becomes a row, by way of today's records, and reading it twice changes nothing."""
    kept = shelves(database_settings.topics)
    messages = [each for _, each in earlier_messages() if each.topic in kept]
    with Store.of(database_settings) as store:
        put = putting(store, database_settings)
        for _ in range(2):
            put(*messages)
            views = ("v_verdicts", "v_settlements", "v_replies", "v_reviews", "v_ledger")
            assert {view: count(store, view) for view in views} == {
                "v_verdicts": 2, "v_settlements": 3, "v_replies": 2, "v_reviews": 1, "v_ledger": 2,
            }  # fmt: skip
        states = store.select("SELECT state FROM v_settlements ORDER BY offset")
        assert [row["state"] for row in states] == ["open", "held", "settled"]


def test_a_writer_that_is_newer_than_its_tables_says_so(clickhouse_url, database):
    """It names the column and the command, and goes on by itself once that has run."""
    settings, shipped = Settings(clickhouse_url=clickhouse_url, database=database), shipped_migrations()
    migrate(settings, shipped[:7])
    with Store.of(settings) as store:
        put = putting(store, settings)
        with pytest.raises(ConfigError, match="weir migrate"):
            put(message(verdict("new"), 1))
        migrate(settings)
        put(message(verdict("new"), 1))
        assert count(store, "v_verdicts") == 1
