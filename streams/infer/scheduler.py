"""Which request goes to the model next. No I/O and no clock.

Interactive work goes first, but bulk work that waits has a guaranteed share of the tokens. Within a lane the apps share
by weight: start-time fair queueing (Goyal, Vin and Cheng, 1996) over tokens, so that an app that floods waits behind
itself. Within an app a shorter request may overtake a longer one that came at most a few seconds before. A
conversation has one request of each lane in the model at a time, in the order in which they came.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from typing import Final, Literal, TypeAlias

from models.generation.engine import Capacity

Lane = Literal["interactive", "bulk"]
_Talk: TypeAlias = tuple[Lane, str, str]

_RECENT: Final = 60.0  # seconds
_KEPT: Final = 1 / 8  # of the slots
_FLOWS: Final = 256  # apps that a lane remembers before it looks whom it may forget
_OVERTAKING: Final = 200.0
"""Tokens that weigh as much as one second of waiting, when requests of one app are put in order."""


@dataclass(frozen=True, slots=True)
class Share:
    """What an app's policy says of it: requests and tokens in the model at once, and its weight. None: as for all."""

    requests: int | None = None
    tokens: int | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A request that wants the model. ``tokens`` is what it may come to; ``at`` and ``until`` are seconds.

    ``own`` are the limits and the weight that its app's policy sets, in place of those that hold for all.
    """

    ticket: int
    lane: Lane
    app: str
    conversation: str
    tokens: int
    at: float
    until: float
    own: Share = Share()

    @property
    def talk(self) -> "_Talk":
        """What has one request in the model at a time."""
        return self.lane, self.app, self.conversation


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was next and was not taken, and what was short."""

    ticket: int
    reason: Literal["slots", "memory", "limits"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How apps share. Limits hold for each app, of what is in the model at once; 0 is no limit."""

    bulk_share: float = 0.1
    weights: Mapping[str, float] = field(default_factory=dict)
    app_requests: int = 0
    app_tokens: int = 0


@dataclass(slots=True)
class _Flow:
    """What one app has waiting in one lane, the next one first. ``finish`` is the virtual time of its last request."""

    app: str
    weight: float
    finish: float = 0.0
    heap: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Queue:
    """One lane. ``now`` is its virtual time: tokens by weight that a single app would have had.

    ``passed`` are tokens that went past the one that is next in fairness, but did not fit.
    """

    now: float = 0.0
    passed: int = 0
    waiting: int = 0
    flows: dict[str, _Flow] = field(default_factory=dict)


@dataclass(slots=True)
class _Use:
    """What an app has in the model; of its requests so many are ``interactive``."""

    weight: float
    requests: int = 0
    interactive: int = 0
    tokens: int = 0


class Scheduler:
    """The requests that wait and those that are in the model. Every job that is added is taken, removed or expires."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._waiting: dict[int, Job] = {}
        self._running: dict[int, Job] = {}
        self._talks: dict[_Talk, deque[int]] = {}
        self._lanes: dict[Lane, _Queue] = {"interactive": _Queue(), "bulk": _Queue()}
        self._used: dict[str, _Use] = {}
        self._tokens = 0
        self._credit = 0.0  # tokens that bulk work may have before interactive work
        self._seen: OrderedDict[str, float] = OrderedDict()  # when each app last asked, the latest at the end
        self._ends: list[tuple[float, int]] = []

    @property
    def running(self) -> int:
        """How many are in the model."""
        return len(self._running)

    @property
    def held(self) -> int:
        """Tokens that those in the model may come to."""
        return self._tokens

    def waiting(self, lane: Lane) -> int:
        """How many wait in a lane."""
        return self._lanes[lane].waiting

    def add(self, job: Job) -> None:
        """Let a job wait. Its ticket is new."""
        self._waiting[job.ticket] = job
        self._lanes[job.lane].waiting += 1
        self._seen[job.app] = job.at
        self._seen.move_to_end(job.app)
        while next(iter(self._seen.values())) < job.at - _RECENT:
            self._seen.popitem(last=False)
        heappush(self._ends, (job.until, job.ticket))
        talk = self._talks.setdefault(job.talk, deque())
        talk.append(job.ticket)
        if len(talk) == 1:
            self._line_up(job)

    def take(self, capacity: Capacity) -> Job | None:
        """The job that goes to the model now, if there is room for one; it is in the model from then on."""
        if len(self._running) >= capacity.slots:
            return None
        bulk = next((job for job in self._heads("bulk") if self._within_limits(job)), None)
        if not self._lanes["bulk"].waiting:
            self._credit = 0.0
        due = bulk is not None and self._is_due(bulk)
        lanes: Sequence[Lane] = ("bulk", "interactive") if due else ("interactive", "bulk")
        for lane in lanes:
            job = self._fitting(lane, capacity)
            if job is not None:
                self._balance(job, bulk)
                self._begin(job)
                return job
            if next(self._candidates(lane, capacity), None) is not None:
                return None  # what is next waits for room: nobody from behind takes it
        return None

    def refusal(self, capacity: Capacity) -> Refusal | None:
        """After ``take`` has found nothing: the request that is next, and what is short for it; None if none waits.

        One that waits for an earlier one of its conversation is not next.
        """
        heads = [job for lane in ("interactive", "bulk") for job in self._heads(lane)]
        if not heads:
            return None
        if len(self._running) >= capacity.slots:
            return Refusal(heads[0].ticket, "slots")
        allowed = next((job for job in heads if self._allows(job, capacity)), None)
        return Refusal(allowed.ticket, "memory") if allowed else Refusal(heads[0].ticket, "limits")

    def end(self, ticket: int, used: int) -> None:
        """A job has left the model, and came to so many tokens. What was counted beyond that, its app gets back."""
        job = self._running.pop(ticket)
        self._tokens -= job.tokens
        use = self._used[job.app]
        use.requests -= 1
        use.interactive -= job.lane == "interactive"
        use.tokens -= job.tokens
        if not use.requests:
            del self._used[job.app]
        flow = self._lanes[job.lane].flows.get(job.app)
        if flow is not None:
            flow.finish -= (job.tokens - min(used, job.tokens)) / flow.weight
        self._leave(job)
        self._tidy(job)

    def remove(self, ticket: int) -> Job | None:
        """Take a job away that waits; None if it does not."""
        job = self._waiting.pop(ticket, None)
        if job is not None:
            self._lanes[job.lane].waiting -= 1
            self._leave(job)
            self._tidy(job)
        return job

    def expire(self, now: float) -> Sequence[Job]:
        """Take all jobs away that wait and whose time is up."""
        found = []
        while self._ends and self._ends[0][0] <= now:
            _, ticket = heappop(self._ends)
            job = self.remove(ticket)
            if job is not None:
                found.append(job)
        return found

    def _line_up(self, job: Job) -> None:
        queue = self._lanes[job.lane]
        flow = queue.flows.get(job.app)
        if flow is None:
            flow = queue.flows[job.app] = _Flow(job.app, 1.0)
        flow.weight = job.own.weight or self._terms.weights.get(job.app, 1.0)
        if self._head(flow) is None:
            flow.finish = max(flow.finish, queue.now)  # nothing is saved up while an app asks for nothing
        heappush(flow.heap, (job.at + job.tokens / _OVERTAKING, job.ticket))

    def _leave(self, job: Job) -> None:
        """Strike a job from its conversation; the next one of it lines up if it was the first."""
        talk = self._talks[job.talk]
        first = talk[0] == job.ticket
        talk.remove(job.ticket)
        if not talk:
            del self._talks[job.talk]
        elif first:
            self._line_up(self._waiting[talk[0]])

    def _tidy(self, job: Job) -> None:
        """Forget the apps that have nothing here and no more coming to them than anybody new."""
        queue = self._lanes[job.lane]
        if not queue.waiting and not self._running:
            queue.flows.clear()
        elif len(queue.flows) > _FLOWS:
            queue.flows = {
                app: flow
                for app, flow in queue.flows.items()
                if app in self._used or flow.finish > queue.now or self._head(flow) is not None
            }

    def _head(self, flow: _Flow) -> Job | None:
        while flow.heap:
            job = self._waiting.get(flow.heap[0][1])
            if job is not None:
                return job
            heappop(flow.heap)  # removed or expired meanwhile
        return None

    def _candidates(self, lane: Lane, capacity: Capacity) -> Iterator[Job]:
        """The next job of each app that may have another one in the model, the fairest first."""
        return (job for job in self._heads(lane) if self._allows(job, capacity))

    def _heads(self, lane: Lane) -> Iterator[Job]:
        """The next job of each app, the fairest first."""
        for flow in sorted(self._lanes[lane].flows.values(), key=lambda flow: flow.finish):
            job = self._head(flow)
            if job is not None:
                yield job

    def _allows(self, job: Job, capacity: Capacity) -> bool:
        """Whether the limits let this app have one more in the model."""
        use = self._used.get(job.app)
        if use is None:
            return True
        if not self._within_limits(job):
            return False
        # Some room is kept for those that have less than their share in the model, if there is anybody who might come.
        full = len(self._running) >= capacity.slots - int(capacity.slots * _KEPT)
        if not full or all(app == job.app for app in islice(reversed(self._seen), 2)):
            return True
        if job.lane == "bulk":
            return self._is_due(job)
        return use.interactive < capacity.slots * use.weight / sum(each.weight for each in self._used.values())

    def _within_limits(self, job: Job) -> bool:
        use = self._used.get(job.app)
        if use is None:
            return True
        requests = job.own.requests or self._terms.app_requests
        tokens = job.own.tokens or self._terms.app_tokens
        return not ((requests and use.requests >= requests) or (tokens and use.tokens + job.tokens > tokens))

    def _is_due(self, bulk: Job) -> bool:
        """Whether bulk work goes before interactive work now."""
        return self._credit >= bulk.tokens

    def _fitting(self, lane: Lane, capacity: Capacity) -> Job | None:
        """The fairest that fits. Others may pass one that does not, until they come to all that the model holds."""
        queue, most = self._lanes[lane], capacity.tokens
        room = most - self._tokens if self._running else most
        for place, job in enumerate(self._candidates(lane, capacity)):
            if min(job.tokens, most) <= room:
                queue.passed = queue.passed + job.tokens if place else 0
                return job
            if queue.passed >= most:
                return None
        return None

    def _balance(self, job: Job, bulk: Job | None) -> None:
        """Count what bulk work has coming to it, while both lanes wait."""
        if job.lane == "bulk":
            self._credit = max(0.0, self._credit - job.tokens)
        elif bulk is not None and self._credit < bulk.tokens:
            share = self._terms.bulk_share
            self._credit += job.tokens * share / (1 - share)

    def _begin(self, job: Job) -> None:
        queue = self._lanes[job.lane]
        flow = queue.flows[job.app]
        heappop(flow.heap)
        queue.now = max(queue.now, flow.finish)
        queue.waiting -= 1
        flow.finish += job.tokens / flow.weight
        del self._waiting[job.ticket]
        self._running[job.ticket] = job
        self._tokens += job.tokens
        use = self._used.setdefault(job.app, _Use(flow.weight))
        use.weight = flow.weight
        use.requests += 1
        use.interactive += job.lane == "interactive"
        use.tokens += job.tokens
