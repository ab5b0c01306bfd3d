"""From work to questions for the model, and from answers to completions. Every piece of work gets one or the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from models.generation.engine import Maker
from models.generation.generator import Answer, Prompt
from schemas.codec import Event, Message, decode, encode
from schemas.dead_letter import dead_letter
from schemas.envelope import event_type
from schemas.errors import Code, UnreadableError, WeirError, unprocessed
from schemas.ids import request_key
from schemas.serving import Provenance
from schemas.stream import Draft
from schemas.topics import COMPLETIONS, DRAFTS, Namespace, Topic
from schemas.work import Completion, Usage, Work
from streams.infer.prompts import Prompts
from streams.metrics import Metrics
from streams.stage import Publication
from streams.tracing.steps import answered
from streams.tracing.tracer import NoTracer, Tracer

NAME: Final = "infer"

_ROOM: Final = 64 * 1024  # of a message, for its headers and what the broker adds


@dataclass(frozen=True, slots=True)
class Served:
    """What answers: the first model's name, all names with the models that they mean, and how prompts are made."""

    name: str
    names: Mapping[str, str]
    prompts: Prompts


@dataclass(frozen=True, slots=True)
class Question:
    """Work that wants the model. ``key`` names its request."""

    message: Message
    event: Event[Work]
    key: str
    prompt: Prompt = field(repr=False)

    @property
    def streams(self) -> bool:
        """Whether its answer is wanted in pieces."""
        wanted = self.event.record.request.parameters
        return wanted is not None and bool(wanted.stream)

    @property
    def shadow(self) -> bool:
        """Whether it is a copy for a model on trial."""
        plan = self.event.record.plan
        return plan is not None and plan.shadow is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be published for a message. What it ``closes`` are drafts, which should come before it."""

    message: Message
    publication: Publication
    closes: bool = False


LastDraft = Callable[[Completion], Draft | None]
"""The last draft of a streamed answer, around its completion; None where nothing of it was drafted."""


def _never(_completion: Completion) -> None:
    """Nothing was streamed."""


class Desk:
    """Reads the work of one topic and writes its completions.

    Work that nobody waits for, or for another model, does not meet the model. Answered again, work has another
    completion of the same request; settle takes the first.
    """

    def __init__(
        self, topic: Topic, namespace: Namespace, served: Served, metrics: Metrics, tracer: Tracer | None = None
    ) -> None:
        self._topic = topic
        self._namespace = namespace
        self._served = served
        self._metrics = metrics
        self._tracer = tracer or NoTracer()

    def read(self, message: Message, is_cancelled: Callable[[str], bool]) -> Question | Reply:
        """What a message asks, or what is said to it at once."""
        try:
            return self._read(message, is_cancelled)
        except UnreadableError as error:
            return self._dead_letter(message, error)
        except Exception as error:  # noqa: BLE001 - a message that we fail on must end, and not the process
            return self._dead_letter(message, unprocessed(NAME, error))

    def draft(self, question: Question, draft: Draft) -> Publication:
        """A piece of an answer that is streamed."""
        return self._publication(DRAFTS, draft, question)

    def answer(
        self,
        question: Question,
        answer: Answer,
        seconds: float = 0.0,
        last_draft: LastDraft = _never,
        by: Maker | None = None,
    ) -> Reply:
        """The completion of a question that took so many seconds, or a dead letter if it is too large to be one."""
        model = by.name if by else ""
        self._metrics.infer_answers.labels(model, str(answer.code or answer.finish_reason)).inc()
        self._metrics.prompt_tokens.labels(model).inc(answer.prompt_tokens)
        self._metrics.completion_tokens.labels(model).inc(answer.completion_tokens)
        usage = Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)
        work = question.event.record
        completion = Completion(
            work=work,
            text=answer.text,
            code=answer.code,
            message=answer.reason,
            model=by.name if by else self._served.name,
            usage=usage if answer.text is not None else None,
            finish_reason=answer.finish_reason,
            seconds=seconds,
            provenance=self._provenance(question, by) if by and answer.text is not None else None,
        )
        arrived = question.message.timestamp
        self._tracer.record(question.event.envelope, lambda: answered(completion, answer, arrived, datetime.now(UTC)))
        draft = last_draft(completion)
        if draft is not None and _fits(made := self._publication(DRAFTS, draft, question)):
            return Reply(question.message, made, closes=True)
        made = self._publication(COMPLETIONS, completion, question)
        if not _fits(made):
            error = WeirError("the completion is too large to be published", code=Code.TOO_LARGE)
            return self._dead_letter(question.message, error)
        return Reply(question.message, made)

    def late(self, question: Question) -> Reply:
        """The completion of a question whose time was up before the model was free."""
        reason = "the deadline had passed before the model was free"
        return self.answer(question, Answer(code=Code.DEADLINE_EXCEEDED, reason=reason))

    def cancelled(self, question: Question) -> Reply:
        """The completion of a question that was cancelled before it met the model."""
        return self.answer(question, Answer(code=Code.CANCELLED, reason="cancelled before the model was free"))

    def _provenance(self, question: Question, by: Maker) -> Provenance:
        prompt, plan = question.prompt, question.event.record.plan
        first = next(iter(prompt.route), None)
        stands_in = first is not None and self._served.names.get(first) != by.name
        return Provenance(
            model=by.name,
            version=by.version,
            engine=by.kind,
            max_tokens=prompt.max_tokens,
            temperature=prompt.temperature,
            top_p=prompt.top_p,
            seed=prompt.seed,
            arm=plan.arm if plan else None,
            wanted=first if stands_in else None,
        )

    def _publication(self, topic: Topic, record: Draft | Completion, question: Question) -> Publication:
        """A record under the id and source of its request."""
        changes = {"type": event_type(topic.type_name), "time": datetime.now(UTC)}
        envelope = question.event.envelope.model_copy(update=changes)
        return Publication(self._namespace.of(topic), encode(record, envelope, question.event.record.conversation))

    def _read(self, message: Message, is_cancelled: Callable[[str], bool]) -> Question | Reply:
        event = decode(message, Work, self._topic.type_name)
        now = datetime.now(UTC)
        key = request_key(event.envelope.source, event.envelope.id)
        question = Question(message, event, key, self._served.prompts.make(event, now))
        if now >= event.record.deadline:
            return self.late(question)
        if is_cancelled(key):
            return self.cancelled(question)
        route = question.prompt.route
        if route and not self._served.names.keys() & set(route):
            answer = Answer(code=Code.UNKNOWN_MODEL, reason=f"the model served here is {self._served.name}")
            return self.answer(question, answer)
        return question

    def _dead_letter(self, message: Message, error: WeirError) -> Reply:
        self._metrics.dead_letters.labels(NAME, error.code).inc()
        letter = dead_letter(message, NAME, error, self._topic.max_message_bytes)
        return Reply(message, Publication(self._namespace.dead_letters_of(self._topic), letter))


def _fits(publication: Publication) -> bool:
    return len(publication.message.value or b"") + _ROOM <= COMPLETIONS.max_message_bytes
