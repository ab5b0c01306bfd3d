"""One watched series: learnt from a reference, then fed hour by hour. Pure, so a recomputation agrees exactly."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import sqrt
from typing import Final, Literal, NamedTuple, TypeAlias

from monitors.alarms import fast, sensitive
from monitors.alarms.bins import Bin, Summary
from monitors.alarms.evidence import grow
from monitors.alarms.profile import Profile, columns, expected_elsewhere, fit_profile, wander

Lane: TypeAlias = Literal["fast", "sensitive"]
Direction: TypeAlias = Literal["up", "down"]

LEAST_DAYS: Final = 14
"""A shorter reference carries no alarm; 28 days keep the budget better (docs/statistics.md)."""
LEAST_CONVERSATIONS: Final = 100
_KEPT_HOURS: Final = 28 * 24
_MOST_SETTLED: Final = 4096
SHARES: Final[dict[Lane, float]] = {"fast": 1 / 3, "sensitive": 2 / 3}
"""What each lane has of the budget: the fast one sees what is large, and loses less than an hour by a smaller part."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a reference period taught about a series; it does not change while the series is watched.

    ``margin`` is how far the rate may stray at the mean level before the fast lane's promise ends: ``fast.margin`` and
    four times the wander. ``conversations`` and ``events`` are means per hour, ``spread`` is
    the standard deviation of a conversation's mean. ``residuals`` are the reference's, sorted.
    """

    profile: Profile
    margin: float
    conversations: float
    events: float
    spread: float
    block: int
    whitening: sensitive.Whitening
    residuals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TooShort:
    """A reference that carries no alarm yet."""

    days: float
    conversations: int = 0
    needed: int = LEAST_DAYS


def learn(bins: Sequence[Bin] | Sequence[Summary]) -> Baseline | TooShort:
    """What consecutive hours (28 days are best) say about a series that nothing is wrong with.

    Hours without traffic may be left out. Where hardly anything was seen, that is too short as well.
    """
    data = columns(bins)
    days = (bins[-1].hour - bins[0].hour + 1) / 24 if bins else 0.0
    conversations = sum(b.summary.conversations for b in bins)
    if days < LEAST_DAYS or conversations < LEAST_CONVERSATIONS:
        return TooShort(days, conversations)
    profile, expected = fit_profile(data), expected_elsewhere(data)
    first, second = (sum(getattr(b.summary, power) for b in bins) for power in ("first", "second"))
    spread = sqrt(max(0.0, (second - first**2 / conversations) / (conversations - 1)))
    hours = days * 24
    rate = min(profile.level, 1 - profile.level)
    block = sensitive.block_length(rate * float(data.events.sum()) / hours)
    fit = sensitive.fit_whitening(sensitive.blocks(data, expected, block), block)
    return Baseline(
        profile=profile,
        margin=fast.margin(spread, conversations) + fast.WANDERS * wander(data, expected),
        conversations=conversations / hours,
        events=float(data.events.sum()) / hours,
        spread=spread,
        block=block,
        whitening=fit.whitening,
        residuals=tuple(sorted(fit.residuals.tolist())),
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """A block that is not complete: its events, sum of values, and events times expected rate."""

    number: int
    events: float = 0.0
    total: float = 0.0
    expected: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """All that changes; a few thousand numbers that JSON holds.

    ``hour`` is the last one taken in, ``closed`` the last number of a closed block. ``fast`` and ``sensitive`` are the
    evidence of each bet (``evidence.py``), ``past`` the weighted mean of standardised blocks. ``recent`` are the
    residuals of four weeks by block number; ``settled``, sorted, those that new ones are ranked among: the
    reference's and all since, ``absorbed`` being the last block (a week behind where an earlier version wrote it).
    """

    hour: int
    closed: int
    absorbed: int
    fast: tuple[float, ...]
    sensitive: tuple[float, ...]
    past: float
    pending: Pending
    recent: tuple[tuple[int, float], ...]
    settled: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """A series that is watched: ``threshold`` is the evidence at which a lane pages (``evidence.threshold``)."""

    series: str
    threshold: float
    baseline: Baseline
    state: State


@dataclass(frozen=True, slots=True)
class Page:
    """An alarm: which lane saw what, in which hour, on how much evidence."""

    series: str
    hour: int
    lane: Lane
    direction: Direction
    evidence: float
    threshold: float


class Stepped(NamedTuple):
    """What an hour made of a watch."""

    watch: Watch
    page: Page | None


def begin(series: str, baseline: Baseline, threshold: float, hour: int) -> Watch:
    """Watch a series from the hour after ``hour`` on."""
    block = hour // baseline.block
    state = State(
        hour=hour,
        closed=block,
        absorbed=block,
        fast=(0.0,) * fast.BETS,
        sensitive=(0.0,) * sensitive.BETS,
        past=0.0,
        pending=Pending(block),
        recent=(),
        settled=baseline.residuals,
    )
    return Watch(series, threshold, baseline, state)


def step(watch: Watch, found: Bin) -> Stepped:
    """Take a closed hour in. Hours come in order; one that was taken in already changes nothing.

    An hour without traffic may be left out or empty: it changes no evidence.
    """
    state = watch.state
    if found.hour <= state.hour:
        return Stepped(watch, None)
    expected = watch.baseline.profile.of(found.hour)
    margin = watch.baseline.margin * expected / watch.baseline.profile.level
    state = replace(
        state,
        hour=found.hour,
        fast=grow(state.fast, fast.log_bets(found, expected, margin), 1),
    )
    state = _block(watch, state, found, expected)
    page = _page(watch, state)
    return Stepped(replace(watch, state=restarted(state) if page else state), page)


def restarted(state: State) -> State:
    """The state after a page: evidence begins anew."""
    return replace(state, fast=(0.0,) * fast.BETS, sensitive=(0.0,) * sensitive.BETS)


def cleared(state: State, since: int) -> State:
    """The state once a change is over that began in block ``since``: nothing that it left is held against the series.

    Evidence begins anew, and so does what the past foretells: after a high month the first normal hour would look like
    a fall. Residuals of the change are no rank for others.
    """
    settled = list(state.settled)
    for number, residual in state.recent:
        place = bisect_left(settled, residual)
        if since <= number <= state.absorbed and settled[place : place + 1] == [residual]:
            del settled[place]
    recent = tuple(each for each in state.recent if each[0] < since)
    return replace(restarted(state), past=0.0, recent=recent, settled=tuple(settled))


def lanes(state: State) -> dict[Lane, float]:
    """The evidence of each lane: the mean over its bets, by the lane's share of the budget to an equal one."""
    means = {"fast": sum(state.fast) / fast.BETS, "sensitive": sum(state.sensitive) / sensitive.BETS}
    return {lane: means[lane] * len(SHARES) * share for lane, share in SHARES.items()}


def _page(watch: Watch, state: State) -> Page | None:
    """The page that the evidence calls for, by the lane that has more of it."""
    evidence = lanes(state)
    lane = max(evidence, key=lambda name: evidence[name])
    if evidence[lane] < watch.threshold:
        return None
    return Page(watch.series, state.hour, lane, direction(state, lane), evidence[lane], watch.threshold)


def direction(state: State, lane: Lane) -> Direction:
    """Which way the lane's best bet points."""
    bets = state.fast if lane == "fast" else state.sensitive
    return "up" if bets.index(max(bets)) < len(bets) // 2 else "down"


def _block(watch: Watch, state: State, found: Bin, expected: float) -> State:
    """Add the hour to its block; close what is complete."""
    length = watch.baseline.block
    number = found.hour // length
    if number != state.pending.number:
        state = _close(watch, state)
        state = replace(state, pending=Pending(number))
    pending = Pending(
        number,
        state.pending.events + found.events,
        state.pending.total + found.total,
        state.pending.expected + found.events * expected,
    )
    state = replace(state, pending=pending)
    return _close(watch, state) if found.hour % length == length - 1 else state


def _close(watch: Watch, state: State) -> State:
    """Bet on the pending block, if it holds any event that was not bet on."""
    base, pending = watch.baseline, state.pending
    if not pending.events or pending.number <= state.closed:
        return state
    white = base.whitening
    z = white.standardised(pending.events, pending.total, pending.expected / pending.events)
    residual = z - white.pull * state.past
    state = _absorb(state)
    luck = _luck(watch.series, pending.number)
    score = sensitive.rank_score(residual, state.settled, luck) / sqrt(white.inflation)
    kept = bisect_right(state.recent, pending.number - _KEPT_HOURS // base.block, key=_number)
    return replace(
        state,
        closed=pending.number,
        sensitive=grow(state.sensitive, sensitive.log_bets(score), base.block),
        past=white.memory * state.past + (1 - white.memory) * z,
        pending=Pending(pending.number),
        recent=(*state.recent[kept:], (pending.number, residual)),
    )


def _number(residual: tuple[int, float]) -> int:
    return residual[0]


def _absorb(state: State) -> State:
    """Let the residuals so far settle, while there is room: more than 4,096 make a rank no better."""
    first = bisect_right(state.recent, state.absorbed, key=_number)
    if first == len(state.recent):
        return state
    absorbed = state.recent[-1][0]
    if len(state.settled) >= _MOST_SETTLED:
        return replace(state, absorbed=absorbed)
    settled = list(state.settled)
    for _, residual in state.recent[first:]:
        insort(settled, residual)
    return replace(state, absorbed=absorbed, settled=tuple(settled))


def _luck(series: str, block: int) -> float:
    """A number in (0, 1) that is the same whenever this block is computed again."""
    digest = blake2b(f"{series}\0{block}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64
