"""The inference loop: work joins the engine as room comes free, answers go out as they end, and polling never stops."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Final
from uuid import UUID

from models.generation.engine import Capacity, Done
from models.generation.generator import Prompt
from schemas.codec import Message
from schemas.serving import Plan
from streams.infer.cancellations import Cancellations
from streams.infer.desk import Desk, Question, Reply
from streams.infer.drafting import Drafting
from streams.infer.driver import Driver, Start
from streams.infer.express import Express
from streams.infer.feed import Feed
from streams.infer.outbox import Outbox
from streams.infer.scheduler import Job, Lane, Scheduler, Share
from streams.kafka.place import Place
from streams.logs import get_logger
from streams.metrics import Metrics

STOP_SECONDS: Final = 10.0

_IDLE_SECONDS: Final = 0.2  # a message that comes ends it
_BUSY_SECONDS: Final = 0.01  # an answer that ends, ends it
_STUCK_SECONDS: Final = 60.0  # the loop never waits for the model, nor long for the broker
_LAST_SECONDS: Final = 2.0  # for what is stopped to say so
_COPY: Final = "\0shadow"  # behind the name of what it is a copy of
_CHARACTERS: Final = 3  # that a token stands for, when what a prompt comes to is guessed

_log = get_logger("streams.infer")


@dataclass(frozen=True, slots=True)
class Line:
    """The work of one topic: what reads and answers it, and its lane."""

    desk: Desk
    lane: Lane


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop turns. ``lines`` are by the full names of their topics."""

    feed: Feed
    driver: Driver
    scheduler: Scheduler
    outbox: Outbox
    express: Express
    cancellations: Cancellations
    lines: Mapping[str, Line]
    metrics: Metrics


class Inference:
    """Answers what the feed gives until told to stop.

    What is in the engine may go on for ``stop_seconds`` after the end was asked for; what is not done then, and what
    waits, is done elsewhere. ``run`` belongs to one thread; the checks may be asked from any.
    """

    def __init__(
        self, parts: Parts, stop_seconds: float = STOP_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parts = parts
        self._stop_seconds = stop_seconds
        self._clock = clock
        self._tickets = count()
        self._questions: dict[int, Question] = {}  # that wait, or are in the engine
        self._by_key: dict[str, int] = {}
        self._inside: set[int] = set()
        self._refused: set[int] = set()  # that had to wait although they were next
        self._drafting = Drafting()
        self._capacity: Capacity | None = None
        self._ending = threading.Event()
        self._beat: float | None = None

    def is_alive(self) -> bool:
        """Whether the loop turns, or has not begun to."""
        return self._beat is None or time.monotonic() - self._beat < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether this process answers work, or stands by with a model that can."""
        return self._parts.feed.assigned and self.is_alive() and not self._ending.is_set()

    def run(self, stop: threading.Event) -> bool:
        """Answer until told to stop; whether the engine came to its end in time.

        Raises:
            UnavailableError: the consumer cannot go on; a new process can.
        """
        parts = self._parts
        parts.cancellations.open()
        parts.feed.open(parts.outbox.write, self._hand_over)
        try:
            while not stop.is_set():
                self.turn()
            self._ending.set()
            return self._drain()
        finally:
            self._ending.set()
            parts.feed.close()
            parts.outbox.close()
            parts.express.close()
            parts.cancellations.close()

    def turn(self) -> None:
        """Take in what has come, fill the engine, and write what has ended."""
        self._beat = time.monotonic()
        parts = self._parts
        waits = not self._inside and not parts.outbox
        for message in parts.feed.poll(_IDLE_SECONDS if waits else 0.0):
            self._receive(message)
        self._stop_cancelled()
        for job in parts.scheduler.expire(self._clock()):
            self._say(self._forget(job.ticket), Desk.late)
        self._fill()
        self._collect(_BUSY_SECONDS if self._inside else 0.0)
        self._fill()
        self._write()

    def _receive(self, message: Message) -> None:
        line = self._parts.lines[message.topic]
        found = line.desk.read(message, self._parts.cancellations.covers)
        if isinstance(found, Reply):
            self._parts.outbox.add(found)
            return
        ticket = next(self._tickets)
        self._questions[ticket] = found
        self._by_key[_name(found)] = ticket
        work = found.event.record
        job = Job(
            ticket=ticket,
            lane=line.lane,
            # Copies for a model on trial take nothing of what their app may have in the model, and wait by themselves.
            app=f"{work.request.app}{_COPY}" if found.shadow else work.request.app,
            conversation=work.conversation,
            tokens=_guess(found.prompt),
            at=self._clock(),
            until=found.prompt.until,
            own=_share(work.plan),
        )
        self._parts.scheduler.add(job)

    def _stop_cancelled(self) -> None:
        for stop in self._parts.cancellations.poll():
            for ticket in (self._by_key.get(stop.key), self._by_key.get(f"{stop.key}{_COPY}")):
                if ticket is not None:
                    self._stop(ticket, stop.attempt)

    def _stop(self, ticket: int, attempt: UUID | None) -> None:
        if attempt is not None:
            if self._drafting.ends(ticket, attempt):
                self._parts.driver.cancel(ticket)
        elif self._parts.scheduler.remove(ticket) is not None:
            self._say(self._forget(ticket), Desk.cancelled)
        else:
            self._parts.driver.cancel(ticket)

    def _fill(self) -> None:
        """Let the engine have what there is room for."""
        parts, capacity = self._parts, self._parts.driver.capacity
        if capacity != self._capacity:
            if self._capacity is not None:
                _log.warning("memory ran out: the model takes fewer at once", slots=capacity.slots)
            self._capacity = capacity
            parts.metrics.infer_slots.set(capacity.slots)
            parts.metrics.infer_room.set(capacity.tokens)
        begun: list[Start] = []
        while (job := parts.scheduler.take(capacity)) is not None:
            question = self._questions[job.ticket]
            begun.append(Start(job.ticket, question.prompt, question.streams))
            self._inside.add(job.ticket)
            waited = (datetime.now(UTC) - question.message.timestamp).total_seconds()
            parts.metrics.infer_queue_seconds.labels(job.lane).observe(max(0.0, waited))
        parts.driver.submit(begun)
        self._note_refusal(capacity)
        parts.metrics.infer_held.set(parts.scheduler.held)
        parts.metrics.infer_running.set(parts.scheduler.running)
        for lane in ("interactive", "bulk"):
            parts.metrics.infer_waiting.labels(lane).set(parts.scheduler.waiting(lane))

    def _note_refusal(self, capacity: Capacity) -> None:
        """Count the request that is next and does not fit, once."""
        found = self._parts.scheduler.refusal(capacity)
        if found is not None and found.ticket not in self._refused:
            self._refused.add(found.ticket)
            self._parts.metrics.infer_refusals.labels(found.reason).inc()

    def _collect(self, seconds: float) -> None:
        """Turn what has ended into replies, and what is told of the rest into drafts."""
        for each in self._parts.driver.collect(seconds):
            if isinstance(each, Done):
                self._end(each)
            elif (question := self._questions.get(each.ticket)) is not None:
                self._drafting.hear(question, each)
        desks = self._parts.lines
        self._parts.express.send(
            desks[each.question.message.topic].desk.draft(each.question, each.draft) for each in self._drafting.drafts()
        )

    def _end(self, done: Done) -> None:
        self._inside.discard(done.ticket)
        self._parts.scheduler.end(done.ticket, done.answer.prompt_tokens + done.answer.completion_tokens)
        self._measure(done)
        question = self._forget(done.ticket)
        if question is None:
            self._drafting.forget(done.ticket)
            return
        answer = self._drafting.ended(done.ticket, done.answer)
        answered = partial(Desk.answer, answer=answer, seconds=done.seconds, by=done.by)
        if question.streams:
            answered = partial(answered, last_draft=partial(self._drafting.last, question, done.ticket))
        self._say(question, answered)

    def _write(self) -> None:
        if self._parts.outbox.closes:
            self._parts.express.flush()
        self._parts.outbox.write()

    def _measure(self, done: Done) -> None:
        metrics, model = self._parts.metrics, done.by.name if done.by else ""
        metrics.infer_seconds.labels(model).observe(done.seconds)
        metrics.remembered_tokens.labels(model).inc(done.remembered)
        if done.first_token is None:
            return
        metrics.infer_first_token_seconds.labels(model).observe(done.first_token)
        if done.answer.completion_tokens > 1:
            between = (done.seconds - done.first_token) / (done.answer.completion_tokens - 1)
            metrics.infer_token_seconds.labels(model).observe(between)

    def _forget(self, ticket: int) -> Question | None:
        """The question of a ticket that is done with; None if another process has it now."""
        question = self._questions.pop(ticket, None)
        self._refused.discard(ticket)
        if question is not None and self._by_key.get(_name(question)) == ticket:
            del self._by_key[_name(question)]
        return question

    def _say(self, question: Question | None, reply: Callable[[Desk, Question], Reply]) -> None:
        if question is not None:
            self._parts.outbox.add(reply(self._parts.lines[question.message.topic].desk, question))

    def _hand_over(self, places: frozenset[Place]) -> None:
        """Forget what belongs to another now, and stop with it."""
        self._parts.outbox.drop(places)
        gone = [t for t, q in self._questions.items() if Place(q.message.topic, q.message.partition) in places]
        for ticket in gone:
            self._forget(ticket)
            self._drafting.forget(ticket)
            if self._parts.scheduler.remove(ticket) is None:
                self._parts.driver.cancel(ticket)

    def _drain(self) -> bool:
        """Let what is in the engine end, within the time that there is; then stop it. Nothing new is taken in."""
        end = self._clock() + self._stop_seconds
        while self._inside and self._clock() < end:
            self._drained()
        for ticket in self._inside:
            self._forget(ticket)  # it goes back, whatever comes of it now
            self._parts.driver.cancel(ticket)
        end = self._clock() + _LAST_SECONDS
        while (self._inside or self._parts.outbox) and self._clock() < end:
            self._drained()
        return self._parts.driver.stop(_LAST_SECONDS if not self._inside else 0.0)

    def _drained(self) -> None:
        self._beat = time.monotonic()
        self._parts.feed.poll(0.0)
        self._collect(_BUSY_SECONDS)
        self._write()


def _name(question: Question) -> str:
    """What a cancel finds it by: a request and its copy are two."""
    return f"{question.key}{_COPY}" if question.shadow else question.key


def _share(plan: Plan | None) -> Share:
    """What the app's policy says of its share of the model."""
    return Share(plan.requests, plan.tokens, plan.weight) if plan else Share()


def _guess(prompt: Prompt) -> int:
    """Tokens that a prompt and its answer may come to."""
    return prompt.max_tokens + sum(len(message.content) for message in prompt.messages) // _CHARACTERS
