"""The stage: drafts in, chunks out, and at the end the completion with what was released of it.

What it knows of an attempt is in memory. Another process that goes on with the partition, or this one after it has
lost drafts, releases nothing until the completion is there; then it opens an attempt of its own with all of the text.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from guards.piecewise import Window
from guards.pipeline import Pipeline
from schemas.codec import Event, Message, decode
from schemas.errors import UnreadableError, WeirError, unprocessed
from schemas.ids import derived_id, request_key
from schemas.review import Cancel
from schemas.stream import Chunk, Draft
from schemas.topics import CANCELS, COMPLETIONS, DRAFTS, TOKENS, Topic
from schemas.work import Completion, Work
from streams.judging.outbox import Outbox
from streams.judging.surroundings import Surroundings
from streams.stage import Publication, Publications
from streams.streaming.attempt import Attempt, Begun, Terms
from streams.streaming.span import streamed

NAME: Final = "stream"

_REMEMBERED: Final = 10_000  # attempts on their way; of one that is forgotten the completion is released at once


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A draft, the message that it is, when that came to the broker, and the request that it belongs to."""

    index: int
    at: datetime
    event: Event[Draft]
    key: str


class StreamStage:
    """Releases streamed answers by the policy of their app, and hands their completions on to ``judge``.

    It decides on nothing for good: what it ends, or lets pass, is judged as a whole afterwards.
    """

    name: Final = NAME
    topic: Final[Topic] = DRAFTS

    def __init__(self, given: Surroundings) -> None:
        self._given = given
        self._outbox = Outbox(NAME, given.namespace, given.clock)
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()
        self._pipeline: Pipeline | None = None

    def load(self) -> None:
        if self._pipeline is None:
            self._pipeline = self._given.load_pipeline()

    def process(self, messages: Sequence[Message]) -> Sequence[Publications]:
        ends: list[Publications] = [()] * len(messages)
        arrivals: list[_Arrival] = []
        for index, message in enumerate(messages):
            try:
                event = decode(message, Draft, DRAFTS.type_name)
            except UnreadableError as error:
                ends[index] = (self._dead_letter(message, error),)
            else:
                key = request_key(event.envelope.source, event.envelope.id)
                arrivals.append(_Arrival(index, message.timestamp, event, key))
        batch = _Batch(self._attempts, self._open)
        for arrival in arrivals:
            batch.take(arrival)
        self._release(batch)
        for arrival in batch.last.values():
            ends[arrival.index] = (*ends[arrival.index], *self._publications(batch, arrival))
        self._keep(batch)
        return ends

    def give_up(self, message: Message, error: Exception) -> Publication:
        return self._dead_letter(message, unprocessed(NAME, error))

    def _open(self, arrival: _Arrival, work: Work) -> Attempt:
        draft = arrival.event.record
        assigned = self._given.policies.assign(work.request.app, work.conversation)
        terms = Terms.of(assigned.policy) if assigned else None
        values: Mapping[str, str] = {}
        keeper = self._given.keeper
        if terms and terms.policy.replies.restore and work.placeholders is not None and keeper is not None:
            try:
                values = keeper.open(work.placeholders, arrival.key)
            except WeirError:
                values = {}  # judge tells of it
        return Attempt.begin(Begun(draft.attempt, work, arrival.at), terms, values, self._given.sampler.secret)

    def _release(self, batch: "_Batch") -> None:
        """Judge window after window of all attempts together, until none has another."""
        if self._pipeline is None:
            raise RuntimeError("load() comes first")
        while True:
            windows = {key: window for key in batch.last if (window := batch.window(key)) is not None}
            if not windows:
                return
            cases = {key: batch.attempts[key].cases(window) for key, window in windows.items()}
            judgements = iter(self._pipeline.judge([case for mine in cases.values() for case in mine]))
            for key, window in windows.items():
                own = tuple(next(judgements) for _ in cases[key])
                batch.attempts[key] = batch.attempts[key].judged(window, own)

    def _publications(self, batch: "_Batch", arrival: _Arrival) -> Publications:
        """The chunk that is new, and the completion if it is there."""
        attempt, completion = batch.attempts[arrival.key], batch.completions.get(arrival.key)
        end, code = _ending(attempt, completion)
        made: list[Publication] = []
        if attempt.terms is not None and (attempt.fresh or (end is not None and not batch.told(arrival.key))):
            model = completion.model if completion else None
            whose, now = _identity(arrival.event, attempt.work), self._given.clock()
            attempt, chunk = attempt.chunk(now, **whose, end=end, code=code, model=model)
            batch.attempts[arrival.key] = attempt
            made.append(self._chunk(chunk, arrival.event))
            if attempt.cut is not None and completion is None:
                made.append(self._halt(attempt, arrival.event))
        if completion is not None:
            self._given.metrics.events.labels(NAME, attempt.progress.action).inc()
            released = completion.model_copy(update={"released": attempt.outcome()})
            envelope, conversation = arrival.event.envelope, attempt.work.conversation
            made.append(self._outbox.forward(COMPLETIONS, released, envelope, conversation))
        return tuple(made)

    def _chunk(self, chunk: Chunk, event: Event[Draft]) -> Publication:
        about = event.envelope
        own = derived_id(chunk.app, about.source, about.id, f"{NAME}:{chunk.attempt}:{chunk.seq}")
        return self._outbox.report(TOKENS, chunk, about, own, chunk.conversation)

    def _halt(self, attempt: Attempt, event: Event[Draft]) -> Publication:
        """What tells the model that the rest is made for nobody."""
        about = event.envelope
        cancel = Cancel(request_id=about.id, source=about.source, attempt=attempt.attempt)
        own = derived_id(attempt.work.request.app, about.source, about.id, f"{NAME}:{attempt.attempt}:halt")
        return self._outbox.report(CANCELS, cancel, about, own, attempt.work.conversation)

    def _keep(self, batch: "_Batch") -> None:
        """Only now, when nothing can fail any more: a batch that fails is tried again in halves."""
        for key in batch.last:
            self._attempts.pop(key, None)
            if key in batch.completions:
                self._trace(batch, key)
            else:
                self._attempts[key] = batch.attempts[key]
        while len(self._attempts) > _REMEMBERED:
            self._attempts.popitem(last=False)

    def _trace(self, batch: "_Batch", key: str) -> None:
        attempt, completion, now = batch.attempts[key], batch.completions[key], self._given.clock()
        topic = self._given.namespace.of(DRAFTS)
        self._given.tracer.record(batch.last[key].event.envelope, lambda: streamed(attempt, completion, now, topic))

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        self._given.metrics.dead_letters.labels(NAME, error.code).inc()
        return self._outbox.dead_letter(DRAFTS, message, error)


def _identity(event: Event[Draft], work: Work) -> Mapping[str, str]:
    """Whose answer it is."""
    return {
        "request_id": event.envelope.id,
        "request_source": event.envelope.source,
        "app": work.request.app,
        "conversation": work.conversation,
    }


def _ending(attempt: Attempt, completion: Completion | None) -> tuple[str | None, str | None]:
    """How the stream ends, if it does: by a guard, by an error, or as the model ended it; and the code of that."""
    if attempt.cut is not None:
        return attempt.cut, attempt.progress.code
    if completion is None:
        return None, None
    return ("error", completion.code) if completion.code else (completion.finish_reason or "stop", None)


class _Batch:
    """The attempts that a batch is about, as they are after it; ``last`` is what came last for each request."""

    def __init__(self, known: Mapping[str, Attempt], begin: Callable[[_Arrival, Work], Attempt]) -> None:
        self._known = known
        self._begin = begin
        self.attempts: dict[str, Attempt] = {}
        self.completions: dict[str, Completion] = {}
        self.last: dict[str, _Arrival] = {}

    def take(self, arrival: _Arrival) -> None:
        """One draft more."""
        key, draft = arrival.key, arrival.event.record
        attempt = self.attempts.get(key) or self._known.get(key)
        if draft.work is not None and (attempt is None or attempt.attempt != draft.attempt):
            attempt = self._begin(arrival, draft.work)
            self.completions.pop(key, None)
        if attempt is not None and attempt.attempt == draft.attempt and attempt.drafts == draft.seq:
            attempt = attempt.grown(draft.text)
        elif draft.completion is not None:
            attempt = self._whole(arrival, draft.completion)
        else:
            return  # it was here before, or something is lost before it: then the completion is waited for
        if draft.completion is not None:
            self.completions[key] = draft.completion
        self.attempts[key] = attempt
        self.last[key] = arrival

    def window(self, key: str) -> Window | None:
        """What of an attempt is to be judged next."""
        completion = self.completions.get(key)
        return self.attempts[key].window(whole=completion is not None and completion.text is not None)

    def told(self, key: str) -> bool:
        """Whether the end of the stream was told before this batch."""
        known = self._known.get(key)
        return known is not None and known.attempt == self.attempts[key].attempt and known.cut is not None

    def _whole(self, arrival: _Arrival, completion: Completion) -> Attempt:
        """An attempt of its own for an answer of which the beginning is lost here."""
        begun = self._begin(arrival, completion.work).again()
        return begun.grown(completion.text or "")
