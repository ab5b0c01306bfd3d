"""``weir send``: JSON lines to a topic, one event a line, delivered before it ends."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.codec import Headers, dump_json, parse_json
from schemas.envelope import SPEC_VERSION, event_type
from schemas.errors import Code, UnavailableError, UnreadableError
from schemas.topics import FEEDBACK, INTERACTIONS, REQUESTS, Topic
from streams.kafka.clients import kafka_python_config
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

_SOURCE: Final = "weir-send"
_OPINIONS: Final = frozenset({"thumb", "rating", "reason", "comment"})
_DELIVERY_SECONDS: Final = 60
_MAX_PENDING: Final = 10_000  # deliveries waited for at a time, so that memory stays flat


@dataclass(frozen=True, slots=True)
class Parcel:
    """One line as a message. A structured CloudEvent keeps its own envelope, other bodies get one."""

    topic: Topic
    key: bytes | None = field(repr=False)
    value: bytes = field(repr=False)
    headers: Headers = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went. ``unreadable`` holds the numbers (from 1) of lines that are no JSON object: they were not sent."""

    sent: int
    unreadable: tuple[int, ...]
    seconds: float


def pack(line: bytes, topic: Topic | None) -> Parcel:
    """A line as a message for the topic; without one, as what its body looks like.

    Raises:
        UnreadableError: the line is no JSON object.
    """
    body = parse_json(line) if line.strip() else None
    if not isinstance(body, dict):
        raise UnreadableError("should be a JSON object", code=Code.WRONG_TYPE)
    structured = "specversion" in body
    data = body.get("data") if structured else body
    chosen = topic or _topic_of(data)
    conversation = data.get("conversation") if isinstance(data, dict) else None
    key = conversation.encode("utf-8", "replace") if isinstance(conversation, str) else None
    if structured:
        return Parcel(chosen, key, dump_json(body), [("content-type", b"application/cloudevents+json")])
    attributes = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": str(uuid4()),
        "ce_source": _SOURCE,
        "ce_type": event_type(chosen.type_name),
        "content-type": "application/json",
    }
    return Parcel(chosen, key, dump_json(body), [(name, value.encode()) for name, value in attributes.items()])


def _topic_of(data: object) -> Topic:
    """A body with ``messages`` is a request, one with a thumb or the like is feedback, any other an interaction."""
    names = data.keys() if isinstance(data, dict) else frozenset[str]()
    if "messages" in names:
        return REQUESTS
    return FEEDBACK if names & _OPINIONS else INTERACTIONS


class Sender:
    """Sends lines with kafka-python. ``progress`` is told after every line that was sent."""

    def __init__(self, settings: Settings, progress: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._progress = progress

    def send(self, lines: Iterable[bytes], topic: Topic | None = None, rate: float | None = None) -> Sent:
        """Send every line, at most ``rate`` a second, and wait until the broker has them all.

        Raises:
            UnavailableError: a message was not delivered: no broker, no such topic, too large.
        """
        start = time.monotonic()
        unreadable: list[int] = []
        pending: deque[Any] = deque()
        sent = 0
        producer = self._producer()
        try:
            for number, line in enumerate(_paced(lines, rate), start=1):
                try:
                    parcel = pack(line, topic)
                except UnreadableError:
                    unreadable.append(number)
                    continue
                pending.append(self._dispatch(producer, parcel))
                sent += 1
                self._progress()
                if len(pending) > _MAX_PENDING:
                    pending.popleft().get(timeout=_DELIVERY_SECONDS)
            while pending:
                pending.popleft().get(timeout=_DELIVERY_SECONDS)
        except KafkaError as error:
            raise UnavailableError(f"not delivered: {type(error).__name__}") from None
        finally:
            producer.close(timeout=5)
        return Sent(sent, tuple(unreadable), time.monotonic() - start)

    def _producer(self) -> KafkaProducer:
        try:
            return KafkaProducer(
                **kafka_python_config(self._settings),
                acks="all",
                linger_ms=5,
                compression_type="gzip",
                max_request_size=REQUESTS.max_message_bytes,
            )
        except KafkaError as error:
            raise unanswered(error) from None

    def _dispatch(self, producer: KafkaProducer, parcel: Parcel) -> Any:  # noqa: ANN401 - kafka-python's own future
        topic = self._settings.topics.of(parcel.topic)
        return producer.send(topic, key=parcel.key, value=parcel.value, headers=list(parcel.headers))


def _paced(lines: Iterable[bytes], rate: float | None) -> Iterator[bytes]:
    """The lines, each no sooner than its turn at ``rate`` a second."""
    start = time.monotonic()
    for number, line in enumerate(lines):
        if rate:
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
        yield line
