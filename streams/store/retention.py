"""For how many days tables keep their rows: as the migrations say, or as ``WEIR_STORE_DAYS`` does.

Days count from the broker's time of a row. A table that loses rows makes the writer neither skip nor store anything
again: where it goes on is committed in Kafka as well, and no table may forget sooner than the topics do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import ConfigError
from streams.store.client import Store
from streams.store.sql import query, statements

_SHIPPED: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)\b.*\bTTL toDateTime\((?P<column>\w+)\) \+ INTERVAL (?P<days>\d+) DAY",
    re.DOTALL,
)
_IN_FORCE: Final = re.compile(r" TTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)")


@dataclass(frozen=True, slots=True)
class Keeping:
    """A table's rows are kept for so many days after the time in a column."""

    table: str
    column: str
    days: int


def shipped_keeping(scripts: Sequence[str]) -> tuple[Keeping, ...]:
    """What the migrations say, of the tables that forget at all."""
    found = (_SHIPPED.search(statement) for script in scripts for statement in statements(script))
    return tuple(Keeping(match["table"], match["column"], int(match["days"])) for match in found if match)


def wanted_keeping(shipped: Sequence[Keeping], days: Mapping[str, int]) -> tuple[Keeping, ...]:
    """The same with the days that are set for some of the tables.

    Raises:
        ConfigError: there is no such table, or it keeps its rows for good.
    """
    tables = {each.table for each in shipped}
    if unknown := sorted(days.keys() - tables):
        known = ", ".join(sorted(tables))
        raise ConfigError(f"{unknown[0]} is none of {known}", field="WEIR_STORE_DAYS")
    return tuple(Keeping(each.table, each.column, days.get(each.table, each.days)) for each in shipped)


def changes(store: Store, wanted: Sequence[Keeping], days: Mapping[str, int]) -> tuple[Keeping, ...]:
    """Those that are not in force yet. What somebody has altered by hand stays, unless ``days`` name the table."""
    rows = store.select(query("tables_in_force"))
    found = {row["name"]: _IN_FORCE.search(row["engine_full"]) for row in rows}

    def differs(each: Keeping) -> bool:
        match = found[each.table]
        return each.table in days if match is None else int(match[1]) != each.days

    return tuple(each for each in wanted if each.table in found and differs(each))


def keep(store: Store, wanted: Keeping) -> None:
    """Put it in force, for the rows that are there, too. They go when the engine merges next, within hours."""
    store.command(f"ALTER TABLE {wanted.table} MODIFY TTL toDateTime({wanted.column}) + INTERVAL {wanted.days} DAY")
