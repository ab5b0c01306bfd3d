"""Scripts to statements, and which migrations are due."""

import pytest

from schemas.errors import IntegrityError
from streams.store.migrations import Migration, pending, shipped_migrations
from streams.store.sql import statements


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", ()),
        ("  ;\n; ", ()),
        ("SELECT 1", ("SELECT 1",)),
        ("SELECT 1; SELECT 2;", ("SELECT 1", "SELECT 2")),
        ("SELECT ';' ; SELECT 2", ("SELECT ';'", "SELECT 2")),
        (r"SELECT 'it''s; \'; ok'; SELECT 2", (r"SELECT 'it''s; \'; ok'", "SELECT 2")),
        ('SELECT ";" AS `a;b`; SELECT 2', ('SELECT ";" AS `a;b`', "SELECT 2")),
        ("-- one; two\nSELECT 1; -- done;\n", ("-- one; two\nSELECT 1",)),
        ("/* a; 'b */ SELECT 1; /* end; */", ("/* a; 'b */ SELECT 1",)),
        ("-- it's\nSELECT 1;\n-- it's\nSELECT 2;", ("-- it's\nSELECT 1", "-- it's\nSELECT 2")),
    ],
)
def test_statements_end_at_semicolons_outside_quotes_and_comments(script, expected):
    """Only a semicolon that the engine would see ends a statement; comments alone are none."""
    assert statements(script) == expected


def test_shipped_migrations_are_numbered_without_gaps():
    """The files' numbers are 1, 2, 3…, so that nobody wonders whether one is lost."""
    names = [migration.name for migration in shipped_migrations()]
    assert names == sorted(names)
    assert [int(name.split("_")[0]) for name in names] == list(range(1, len(names) + 1))


def test_shipped_statements_can_be_run_again():
    """Every statement says what to do if its work is done already."""
    found = [statement for migration in shipped_migrations() for statement in statements(migration.script)]
    assert found
    assert not [each for each in found if "IF NOT EXISTS" not in each and "OR REPLACE" not in each]


def test_pending_are_those_not_applied():
    """What is applied is left out; what a newer version applied is ignored."""
    first, second = Migration("0001_a.sql", "A"), Migration("0002_b.sql", "B")
    applied = {first.name: first.hash, "0009_future.sql": "f" * 64}
    assert pending([first, second], applied) == (second,)


def test_a_changed_file_is_refused_by_name():
    """An applied file that reads otherwise now is named, and nothing is run."""
    with pytest.raises(IntegrityError, match=r"\[0001_a\.sql\]"):
        pending([Migration("0001_a.sql", "A2")], {"0001_a.sql": Migration("0001_a.sql", "A").hash})
