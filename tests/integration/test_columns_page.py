import re
import uuid

import pytest

from schemas.errors import WeirError
from streams.documents.columns import about, columns_page, plain_type, relations
from streams.settings import Settings
from streams.store.client import Store
from streams.store.migrations import migrate
from tests.fixtures.pages import ROOT, parameters

pytestmark = pytest.mark.store


@pytest.fixture(scope="module")
def settings(clickhouse_url):
    """Settings of a database that all migrations were applied to."""
    settings = Settings(_env_file=None, clickhouse_url=clickhouse_url, database=f"t{uuid.uuid4().hex[:12]}")
    migrate(settings)
    yield settings
    with Store(settings) as store:
        store.command(f"DROP DATABASE {settings.database}")


def test_the_page_of_columns_is_current(settings):
    """What `make docs` writes of the store's views and tables is what the migrations make."""
    page = (ROOT / "docs" / "reference" / "columns.md").read_text(encoding="utf-8")
    assert page == columns_page(relations(settings)), "run `make docs`"


@pytest.mark.parametrize("example", **parameters("sql"))
def test_queries_of_the_documentation_run(settings, example):
    """Every query that a page shows is one that the store answers."""
    query = re.sub(r"\{\w+:UUID\}", "generateUUIDv4()", example.text.replace("weir.", f"{settings.database}."))
    with Store.of(settings) as store:
        assert store.select(query) is not None


def test_a_column_that_does_not_exist_would_be_found(settings):
    """The engine refuses a query that names what is not there."""
    with Store.of(settings) as store, pytest.raises(WeirError, match="UNKNOWN_IDENTIFIER"):
        store.select("SELECT no_such_column FROM v_verdicts")


def test_what_stands_above_a_table_is_told_of_it():
    """Comment lines right above a statement are its description; others are not."""
    script = "-- Of x.\n-- More.\nCREATE TABLE IF NOT EXISTS x (a Int8);\n\nCREATE VIEW v_x AS SELECT 1;"
    assert about([script]) == {"x": "Of x. More."}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("LowCardinality(String)", "String"),
        ("Map(LowCardinality(String), Float32)", "Map(String, Float32)"),
        ("Nullable(Enum8('allow' = 0, 'block' = 4))", "Nullable(Enum('allow', 'block'))"),
        ("DateTime64(3, 'UTC')", "DateTime64(3, 'UTC')"),
    ],
)
def test_types_are_shown_as_readers_think_of_them(stored, shown):
    """How a value is stored is left out."""
    assert plain_type(stored) == shown
