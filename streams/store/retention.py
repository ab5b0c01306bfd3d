"""For how many days tables keep their rows: as the migrations say, or as ``WEIR_STORE_DAYS`` does.

Days count from the broker's time of a row. A table that loses rows makes the writer neither skip nor store anything
again: where it goes on is committed in Kafka as well, and no table may forget sooner than the topics do.

Rows that belong to an app's traffic say in ``keep_days`` how long its policy lets them stay: the lesser counts, so that
a policy has rows go sooner than the rest of their table, and never later. Settlements lose their names instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from streams.store.client import Store
from streams.store.sql import query, statements

_SHIPPED: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)\b.*\bTTL toDateTime\((?P<column>\w+)\) \+ INTERVAL (?P<days>\d+) DAY",
    re.DOTALL,
)
_BY_POLICY: Final = re.compile(r"ALTER TABLE (\w+)\s+ADD COLUMN IF NOT EXISTS keep_days\b")
_IN_FORCE: Final = re.compile(
    r" TTL toDateTime\(\w+\) \+ toIntervalDay\("
    r"(?:(?P<days>\d+)|if\(keep_days = 0, (?P<most>\d+), least\(keep_days, (?P=most)\)\))\)"
)
_TEXTS: Final = "verdicts"


@dataclass(frozen=True, slots=True)
class Keeping:
    """A table's rows are kept for so many days after the time in a column; ``by_policy``: for fewer, if they say so."""

    table: str
    column: str
    days: int
    by_policy: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be put in force; ``again`` says that the rows which are there are to be looked at again."""

    keeping: Keeping
    again: bool


def shipped_keeping(scripts: Sequence[str]) -> tuple[Keeping, ...]:
    """What the migrations say, of the tables that forget at all."""
    every = [statement for script in scripts for statement in statements(script)]
    told = {match[1] for match in map(_BY_POLICY.search, every) if match}
    found = (match for match in map(_SHIPPED.search, every) if match)
    return tuple(Keeping(each["table"], each["column"], int(each["days"]), each["table"] in told) for each in found)


def wanted_keeping(shipped: Sequence[Keeping], days: Mapping[str, int]) -> tuple[Keeping, ...]:
    """The same with the days that are set for some of the tables.

    Raises:
        ConfigError: there is no such table, or it keeps its rows for good.
    """
    tables = {each.table for each in shipped}
    if unknown := sorted(days.keys() - tables):
        known = ", ".join(sorted(tables))
        raise ConfigError(f"{unknown[0]} is none of {known}", field="WEIR_STORE_DAYS")
    return tuple(replace(each, days=days.get(each.table, each.days)) for each in shipped)


def refuse_longer(policy: Policy, wanted: Sequence[Keeping]) -> None:
    """Whether the store can keep what the policy says: it cannot for longer than the table of the texts keeps any.

    Raises:
        ConfigError: ``POLICY``, naming the key, and the setting that could be raised.
    """
    most = next(each.days for each in wanted if each.table == _TEXTS)
    if policy.retention.days is not None and policy.retention.days > most:
        problem = f"policy {policy.id}: {policy.retention.days} is more than the {most} days that {_TEXTS} are kept for"
        raise ConfigError(f"{problem} (WEIR_STORE_DAYS)", code=Code.POLICY, field="retention.days")


def heedless(store: Store, wanted: Sequence[Keeping]) -> tuple[str, ...]:
    """The tables that policies have no say in, though they should: somebody has altered them by hand, say."""
    found = _in_force(store)
    return tuple(each.table for each in wanted if each.by_policy and not _heeds_policies(found.get(each.table)))


def changes(store: Store, wanted: Sequence[Keeping], days: Mapping[str, int]) -> tuple[Change, ...]:
    """Those that are not in force yet. What somebody has altered by hand stays, unless ``days`` name the table."""
    found = _in_force(store)

    def change(each: Keeping) -> Change | None:
        match = found[each.table]
        if match is None:
            return Change(each, again=True) if each.table in days else None
        same = int(match["days"] or match["most"]) == each.days
        return None if same and _heeds_policies(match) == each.by_policy else Change(each, again=not same)

    return tuple(made for each in wanted if each.table in found and (made := change(each)))


def keep(store: Store, change: Change) -> None:
    """Put it in force, for the rows that are there, too. They go when the engine merges next, within hours."""
    wanted = change.keeping
    own = str(wanted.days)
    days = f"if(keep_days = 0, {own}, least(keep_days, {own}))" if wanted.by_policy else own
    # Rows from before there were such policies say nothing, and go when they would have: they need not be read for it.
    settings = "" if change.again else "SETTINGS materialize_ttl_after_modify = 0"
    ttl = f"toDateTime({wanted.column}) + toIntervalDay({days})"
    store.command(f"ALTER TABLE {wanted.table} MODIFY TTL {ttl} {settings}")


def _in_force(store: Store) -> Mapping[str, re.Match[str] | None]:
    """What every table says, where it says it as this module does."""
    rows = store.select(query("tables_in_force"))
    return {row["name"]: _IN_FORCE.search(row["engine_full"]) for row in rows}


def _heeds_policies(said: re.Match[str] | None) -> bool:
    return said is not None and said["most"] is not None
