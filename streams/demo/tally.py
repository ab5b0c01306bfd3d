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
    """Inputs that ended, by topic, the dead letters among them, and the verdicts of all stages by action.

    A request ended when it is screened and settled, an interaction when it is observed; a dead letter ended as such. An
    event that was sent twice under one id ends twice and has one verdict.
    """

    ended: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        """Inputs of all topics that ended."""
        return sum(self.ended.values())

    @property
    def verdicts(self) -> int:
        """Verdicts of all stages."""
        return sum(self.actions.values())


def read_tally(rows: Rows, runs: Sequence[OffsetRun]) -> Tally:
    """The tally of the events at these offsets. Raises what the store raises."""
    endings = ask(rows, "endings", runs)
    actions = {row["action"]: row["events"] for row in ask(rows, "actions", runs)}
    ended = {row["topic"]: row["ended"] for row in endings}
    return Tally(ended=ended, dead_letters=sum(row["dead"] for row in endings), actions=actions)


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
