"""How many of the delivered events have ended so far, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Protocol

from streams.demo.delivered import OffsetRun


class Rows(Protocol):
    """The store, as far as the demo asks it."""

    def select(self, query: str, **parameters: object) -> Sequence[Mapping[str, Any]]:
        """The rows of a query with ``{name:Type}`` parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Events that ended. An event sent twice under one id ends twice and has one verdict."""

    ended: int = 0
    verdicts: int = 0
    dead_letters: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)


def read_tally(rows: Rows, runs: Sequence[OffsetRun]) -> Tally:
    """The tally of the events at these offsets. Raises what the store raises."""
    ledger = ask(rows, "endings", runs)[0]
    actions = {row["action"]: row["events"] for row in ask(rows, "actions", runs)}
    return Tally(ended=ledger["ended"], verdicts=sum(actions.values()), dead_letters=ledger["dead"], actions=actions)


def ask(rows: Rows, name: str, runs: Sequence[OffsetRun], **more: object) -> Sequence[Mapping[str, Any]]:
    """The rows of ``queries/<name>.sql`` about the events at these offsets."""
    query = (files("streams.demo") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return rows.select(
        query,
        topics=[run.topic for run in runs],
        partitions=[run.partition for run in runs],
        firsts=[run.first for run in runs],
        lasts=[run.last for run in runs],
        **more,
    )
