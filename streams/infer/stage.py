"""From work to completions: every piece of work gets one, with a text or with the code that says why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

from models.generation.generator import Answer, Generator
from schemas.codec import Event, Message, decode, encode
from schemas.dead_letter import dead_letter
from schemas.envelope import event_type
from schemas.errors import Code, UnreadableError, WeirError
from schemas.topics import COMPLETIONS, Namespace, Topic
from schemas.work import Completion, Usage, Work
from streams.infer.prompts import Prompts
from streams.metrics import Metrics
from streams.stage import Publication, Publications

NAME: Final = "infer"


@dataclass(frozen=True, slots=True)
class Served:
    """What answers: a generator, the names that requests may call it by, and how their prompts are made."""

    generator: Generator
    names: frozenset[str]
    prompts: Prompts


class InferStage:
    """Answers the work of one topic. Work that nobody waits for, or for another model, does not meet the model.

    Doing it again gives another completion of the same request; settle takes the first.
    """

    def __init__(self, topic: Topic, namespace: Namespace, served: Served, metrics: Metrics) -> None:
        self.topic = topic
        self._namespace = namespace
        self._served = served
        self._metrics = metrics

    @property
    def name(self) -> str:
        return NAME

    def load(self) -> None:
        self._served.generator.load()

    def process(self, messages: Sequence[Message]) -> Sequence[Publications]:
        now = datetime.now(UTC)
        for message in messages:
            self._metrics.infer_queue_seconds.labels(self.topic.name).observe(_seconds(message.timestamp, now))
        decoded = [self._decode(message) for message in messages]
        events = {index: event for index, event in enumerate(decoded) if isinstance(event, Event)}
        answers = {index: answer for index, event in events.items() if (answer := self._unasked(event.record, now))}
        asked = {index: event for index, event in events.items() if index not in answers}
        seconds = self._ask(asked, answers, now)
        return [
            (self._complete(event, answers[index], seconds if index in asked else 0.0),)
            if isinstance(event, Event)
            else (self._dead_letter(messages[index], event),)
            for index, event in enumerate(decoded)
        ]

    def give_up(self, message: Message, error: Exception) -> Publication:
        reason = f"{NAME} could not process it: {type(error).__name__}"
        return self._dead_letter(message, WeirError(reason, code=Code.PROCESSING_FAILED))

    def _decode(self, message: Message) -> Event[Work] | UnreadableError:
        try:
            return decode(message, Work, self.topic.type_name)
        except UnreadableError as error:
            return error

    def _unasked(self, work: Work, now: datetime) -> Answer | None:
        """The answer to work that the model need not see; None if it has to."""
        if now >= work.deadline:
            return Answer(code=Code.DEADLINE_EXCEEDED, reason="the deadline had passed before the model was free")
        if work.request.model is not None and work.request.model not in self._served.names:
            return Answer(code=Code.UNKNOWN_MODEL, reason=f"the model served here is {self._served.generator.name}")
        return None

    def _ask(self, asked: Mapping[int, Event[Work]], answers: dict[int, Answer], now: datetime) -> float:
        """Put the model's answers to these among the ``answers``; the time that it took."""
        if not asked:
            return 0.0
        prompts = [self._served.prompts.make(event, now) for event in asked.values()]
        start = perf_counter()
        made = self._served.generator.generate(prompts)
        seconds = perf_counter() - start
        answers.update(zip(asked, made, strict=True))
        self._metrics.infer_seconds.observe(seconds)
        self._metrics.infer_batch.observe(len(prompts))
        return seconds

    def _complete(self, event: Event[Work], answer: Answer, seconds: float) -> Publication:
        self._metrics.infer_answers.labels(str(answer.code or answer.finish_reason)).inc()
        self._metrics.prompt_tokens.inc(answer.prompt_tokens)
        self._metrics.completion_tokens.inc(answer.completion_tokens)
        usage = Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)
        completion = Completion(
            work=event.record,
            text=answer.text,
            code=answer.code,
            message=answer.reason,
            model=self._served.generator.name,
            usage=usage if answer.text is not None else None,
            finish_reason=answer.finish_reason,
            seconds=seconds,
        )
        changes = {"type": event_type(COMPLETIONS.type_name), "time": datetime.now(UTC)}
        envelope = event.envelope.model_copy(update=changes)
        topic = self._namespace.of(COMPLETIONS)
        return Publication(topic, encode(completion, envelope, key=event.record.conversation))

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        self._metrics.dead_letters.labels(NAME, error.code).inc()
        letter = dead_letter(message, NAME, error, self.topic.max_message_bytes)
        return Publication(self._namespace.dead_letters_of(self.topic), letter)


def _seconds(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())
