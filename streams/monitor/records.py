"""What is watched as records of ``monitor-state``, and back. Pure, and exact to the last bit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.monitoring import AppState, MonitorClaim, MonitorProgress, MonitorState, SeriesBin, SeriesState
from streams.monitor.app import App, Terms, threshold
from streams.monitor.series import Memory, completed, learnt, phase
from streams.monitor.shards import Shard, shard_of

_PROGRESS: Final = "progress"
_CLAIM: Final = "claim"


@cache
def _memories() -> TypeAdapter[Memory]:
    return TypeAdapter(Memory)


@cache
def _apps() -> TypeAdapter[App]:
    return TypeAdapter(App)


def progress_key(shard: Shard) -> str:
    """The message key of how far a shard has come: that of another number of shards stays beside it."""
    return _PROGRESS if shard == Shard() else f"{_PROGRESS}/{shard.number}/{shard.count}"


def claim_key(number: int) -> str:
    """The message key of who holds a shard."""
    return f"{_CLAIM}/{number}"


def series_key(app: str, series: str) -> str:
    """The message key of a series."""
    return f"series/{app}/{series}"


def app_key(app: str) -> str:
    """The message key of an app."""
    return f"app/{app}"


def series_state(
    name: str, series: str, app: App, rows: Iterable[SeriesBin], terms: Terms, bin_seconds: float
) -> SeriesState:
    """A series as its record; ``rows`` are the bins closed since the record before."""
    memory = app.series[series]
    base = memory.watch.baseline if memory.watch is not None else None
    silent = any(each.state == "no_data" for each in app.alarms.values())
    return SeriesState(
        app=name,
        series=series,
        phase=phase(memory, silent=silent),
        bin_seconds=bin_seconds,
        closed=tuple(rows),
        learnt=learnt(memory, terms.reference),
        level=base.profile.level if base else None,
        margin=base.margin if base else None,
        visible_shift=memory.visible,
        threshold=threshold(terms) if base else None,
        memory=plain_memory(memory),
    )


def app_state(name: str, app: App) -> AppState:
    """An app, without its series, as its record."""
    return AppState(app=name, memory=_plain(_apps(), replace(app, series={})))


def memory_of(state: SeriesState) -> Memory:
    """The series that a record holds.

    Raises:
        ValueError: it holds none that this version understands.
    """
    found: Memory = _read(_memories(), state.memory)
    return completed(found)


def plain_memory(memory: Memory) -> dict[str, Any]:
    """The series as values for JSON."""
    return _plain(_memories(), memory)


@dataclass(slots=True)
class Restored:
    """What the records of ``monitor-state`` come to for one shard, read in order by one process.

    ``outdated`` tells that others have come to share the work otherwise since the process first held the shard.
    """

    shard: Shard = field(default_factory=Shard)
    process: str = ""
    outdated: bool = False
    said: dict[Shard, MonitorProgress] = field(default_factory=dict)
    """What each shard said last, in order."""
    holders: dict[int, MonitorClaim] = field(default_factory=dict)
    heads: dict[str, App] = field(default_factory=dict)
    series: dict[str, dict[str, Memory]] = field(default_factory=dict)

    def take(self, state: MonitorState) -> None:
        """Take one record in; a later one of the same key replaces it.

        Raises:
            ValueError: it holds nothing that this version understands.
        """
        if state.progress is not None:
            key = shard_of(state.progress)
            self.said.pop(key, None)
            self.said[key] = state.progress
        if state.claim is not None:
            mine = self.holders.get(self.shard.number)
            if mine is not None and mine.process == self.process and state.claim.shards != self.shard.count:
                self.outdated = True
            self.holders[state.claim.shard] = state.claim
        if state.app is not None and self.shard.owns(state.app.app):
            self.heads[state.app.app] = _read(_apps(), state.app.memory)
        if state.series is not None and self.shard.owns(state.series.app):
            self.series.setdefault(state.series.app, {})[state.series.series] = memory_of(state.series)

    def apps(self) -> Mapping[str, App]:
        """The apps with their series."""
        names = {*self.heads, *self.series}
        return {
            name: replace(self.heads.get(name, App()), series=dict(sorted(self.series.get(name, {}).items())))
            for name in sorted(names)
        }

    def is_held_in(self, tenure: str) -> bool:
        """Whether this is the last time that the shard was taken over."""
        claim = self.holders.get(self.shard.number)
        return claim is not None and claim.tenure == tenure

    @property
    def progress(self) -> Sequence[MonitorProgress]:
        """What each shard said last, in order."""
        return tuple(self.said.values())

    @property
    def claims(self) -> Mapping[int, int]:
        """Among how many the holder of each shard shares the work. Earlier versions had one, and said nothing."""
        silent = {0: 1} if Shard() in self.said else {}
        return silent | {number: claim.shards for number, claim in self.holders.items()}


def _plain(adapter: TypeAdapter[Any], value: object) -> dict[str, Any]:
    found: dict[str, Any] = adapter.dump_python(value, mode="json")
    return found


def _read(adapter: TypeAdapter[Any], value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the adapter says
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} faults in the state of a series") from None
