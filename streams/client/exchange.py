"""An application's connection: requests out, and every reply to whoever waits for it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeAlias

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas.codec import encode, parse_json, validate
from schemas.conversation import Request
from schemas.envelope import Envelope, event_type
from schemas.errors import Code, ConfigError, UnavailableError, UnreadableError, WeirError
from schemas.feedback import Feedback
from schemas.record import Record
from schemas.reply import Reply
from schemas.review import Cancel
from schemas.stream import Chunk
from schemas.topics import CANCELS, FEEDBACK, MIB, REPLIES, REQUESTS, TOKENS, Namespace, Topic
from streams.client.errors import UnansweredError
from streams.tracing.application import current_traceparent

Found: TypeAlias = Chunk | Reply | WeirError
"""A piece of the answer to a request, a reply to it, or what went wrong."""

Listener: TypeAlias = Callable[[Found], None]
"""Is told of whatever comes of a request, from another thread. Returns at once, raises nothing."""

_OnDelivery = Callable[[KafkaError | None, object], None]
_START_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 30.0  # partitions are added seldom
_POLL_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 5.0
_LEADERLESS: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)  # a moment, at an election
_TOO_LARGE: Final = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_OWN_NAMES: Final = ("log_level", "error_cb", "oauth_cb", "stats_cb", "throttle_cb")  # with `_` in Python's library too
_PRODUCER: Final = {
    "acks": "all",  # a request that is sent again is known by its id
    "partitioner": "murmur2_random",  # as Java clients do: a key means the same partition for everyone
    "message.max.bytes": REQUESTS.max_message_bytes,
    "delivery.timeout.ms": 30_000,
}
_CONSUMER: Final = {
    "group.id": "weir-client",  # required, never joined
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",  # a reply may come twice, but is not to be missed
    "isolation.level": "read_committed",
    "fetch.max.bytes": 16 * MIB,
    "receive.message.max.bytes": REPLIES.max_message_bytes + 32 * MIB,
}


def _ignore(_error: KafkaError) -> None:
    """Connections come and go, and the library reconnects; a request that is not delivered is told of."""


_COMMON: Final = {
    "client.id": "weir-client", "reconnect.backoff.max.ms": 2_000, "log_level": 2, "error_cb": _ignore
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """Which installation, and as whom. ``kafka`` are librdkafka's settings, with ``_`` or ``.`` in their names."""

    bootstrap: str
    namespace: Namespace
    source: str
    kafka: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def config(self) -> dict[str, Any]:
        """What a producer and a consumer have in common."""
        own = {name if name in _OWN_NAMES else name.replace("_", "."): value for name, value in self.kafka.items()}
        return {**_COMMON, "bootstrap.servers": self.bootstrap, **own}


class Exchange:
    """Sends from any thread, and reads ``replies`` in a thread of its own. ``start`` it once, ``close`` it once.

    It reads from where the replies end at the start, reconnects by itself and goes on where it was; partitions
    that are added later are noticed within half a minute, and read from their beginning.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._replies = address.namespace.of(REPLIES)
        self._waiting: dict[str, tuple[str | None, Listener]] = {}
        self._tokens = address.namespace.of(TOKENS)
        self._partitions: dict[str, set[int]] = {}
        self._wants_chunks = threading.Event()
        self._has_chunks = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Connect, and stand where the replies end now.

        Raises:
            UnavailableError: no broker answers.
            ConfigError: a Kafka setting will not do, or there is no such installation.
        """
        config = self._address.config
        try:
            self._producer = Producer({**_PRODUCER, **config})
            self._consumer = Consumer({**_CONSUMER, **config})
        except (KafkaException, TypeError, ValueError) as error:
            raise ConfigError(f"a Kafka setting will not do: {_reason(error)}", field="kafka") from None
        try:
            self._stand_at_the_end(time.monotonic() + _START_SECONDS)
        except KafkaException as error:
            self._consumer.close()
            message = f"no broker answers at {self._address.bootstrap}: {_reason(error)}"
            raise UnavailableError(message, field="bootstrap") from None
        except WeirError:
            self._consumer.close()
            raise
        self._thread = threading.Thread(target=self._read, name="weir-replies", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send what is on its way, and tell those who wait. May be called twice."""
        if self._thread is None or self._stopping.is_set():
            return
        self._producer.flush(_CLOSE_SECONDS)
        self._stopping.set()
        self._thread.join()
        self._consumer.close()
        self._producer.purge()  # who waits for a delivery is told that there is none
        self._producer.flush(0)
        for request_id in list(self._waiting):
            self._tell(request_id, UnansweredError(request_id, "the client was closed"))

    def follow_chunks(self) -> None:
        """Read the pieces of streamed answers too, from now on. Blocks for a moment the first time.

        An installation without them, or one that does not let this application read them, has replies alone.
        """
        self._wants_chunks.set()
        self._has_chunks.wait(_START_SECONDS)

    def ask(self, request_id: str, request: Request, listener: Listener) -> None:
        """Send a request in the background; what becomes of it goes to the listener, until it is forgotten.

        Raises:
            WeirError: ``ID_CONFLICT``: a request of this id is waited for.
            UnreadableError: the request is too large, or its id will not do.
            UnavailableError: the exchange is not open, or too much is on its way.
        """
        mine = (request.conversation, listener)
        if self._waiting.setdefault(request_id, mine) is not mine:
            raise WeirError("a request of this id is waited for", code=Code.ID_CONFLICT, field="request_id")
        try:
            self._send(REQUESTS, request, request_id, request.conversation, partial(self._delivered, request_id))
        except WeirError:
            self.forget(request_id)
            raise

    def cancel(self, request_id: str) -> None:
        """Say, in the background, that the answer is not wanted any more. Raises as ``ask`` does."""
        conversation, _ = self._waiting.get(request_id, (None, None))
        self._send(CANCELS, Cancel(request_id=request_id), request_id, conversation)

    def feed_back(self, feedback_id: str, feedback: Feedback, delivered: Callable[[WeirError | None], None]) -> None:
        """Send feedback in the background; ``delivered`` is told, from another thread, what became of it.

        Raises:
            UnreadableError: its id will not do.
            UnavailableError: the exchange is not open, or too much is on its way.
        """
        self._send(
            FEEDBACK,
            feedback,
            feedback_id,
            feedback.conversation,
            lambda error, _: delivered(None if error is None else _undelivered(error)),
        )

    def forget(self, request_id: str) -> None:
        """Wait no longer for replies to a request. May be called twice."""
        self._waiting.pop(request_id, None)

    def _send(
        self, topic: Topic, record: Record, event_id: str, key: str | None, on_delivery: _OnDelivery | None = None
    ) -> None:
        if self._thread is None or self._stopping.is_set():
            raise UnavailableError("the client is not open: use it in a `with` block")
        kind = event_type(topic.type_name)
        attributes = {
            "id": event_id,
            "source": self._address.source,
            "type": kind,
            "time": datetime.now(UTC),
            "traceparent": current_traceparent(),
        }
        message = encode(record, validate(attributes, Envelope), key)
        try:
            self._producer.produce(
                self._address.namespace.of(topic),
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                on_delivery=on_delivery,
            )
        except BufferError:
            raise UnavailableError("too much is on its way") from None
        except KafkaException as error:
            raise _failure(event_id, error.args[0]) from None

    def _delivered(self, request_id: str, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._tell(request_id, _failure(request_id, error))

    def _read(self) -> None:
        look_at = time.monotonic() + _LOOK_SECONDS
        while not self._stopping.is_set():
            self._producer.poll(0)
            message = self._consumer.poll(_POLL_SECONDS)
            if message is not None and message.error() is None:
                self._receive(Chunk if message.topic() == self._tokens else Reply, message.value())
            if self._wants_chunks.is_set() and not self._has_chunks.is_set():
                self._begin_chunks()
            if time.monotonic() > look_at:
                self._follow_new_partitions()
                look_at = time.monotonic() + _LOOK_SECONDS

    def _receive(self, kind: type[Chunk | Reply], value: bytes | None) -> None:
        """Tell whoever waits for this; most are other applications'."""
        try:
            body = parse_json(value) if value else None
            if not isinstance(body, dict) or body.get("request_source") != self._address.source:
                return
            found = validate(body, kind)
        except UnreadableError:
            return  # a newer major version, or not ours
        self._tell(found.request_id, found)

    def _tell(self, request_id: str, found: Found) -> None:
        _, listener = self._waiting.get(request_id, (None, None))
        if listener is not None:
            listener(found)

    def _stand_at_the_end(self, deadline: float) -> None:
        ends = self._ends(self._replies, deadline)
        if not ends:
            raise ConfigError(f"the broker has no topic {self._replies}: run `weir topics create`")
        self._consumer.assign(ends)

    def _begin_chunks(self) -> None:
        try:
            ends = self._ends(self._tokens, time.monotonic() + _START_SECONDS)
            if ends:
                self._consumer.incremental_assign(ends)
        except KafkaException:
            pass  # the broker is away, or does not let us: replies have all of the text
        self._has_chunks.set()

    def _ends(self, topic: str, deadline: float) -> list[TopicPartition]:
        """Where the partitions of a topic end; they are known from now on."""
        numbers = self._look(topic, deadline - time.monotonic())
        # Offsets, not OFFSET_END, which would be looked up later: a reply could come in between.
        ends = [TopicPartition(topic, number, self._end_of(topic, number, deadline)) for number in sorted(numbers)]
        self._partitions[topic] = numbers
        return ends

    def _end_of(self, topic: str, number: int, deadline: float) -> int:
        while True:
            left = deadline - time.monotonic()
            try:
                place = TopicPartition(topic, number)
                _, end = self._consumer.get_watermark_offsets(place, timeout=max(0.1, left))
            except KafkaException as error:
                if left < 0 or error.args[0].code() not in _LEADERLESS:
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return int(end)

    def _look(self, name: str, seconds: float) -> set[int]:
        topic = self._consumer.list_topics(name, timeout=seconds).topics[name]
        return set(topic.partitions) if topic.error is None else set()

    def _follow_new_partitions(self) -> None:
        try:
            for topic, known in self._partitions.items():
                new = self._look(topic, _START_SECONDS) - known
                if new:
                    found = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in sorted(new)]
                    self._consumer.incremental_assign(found)
                    self._partitions[topic] = known | new
        except KafkaException:
            return  # the broker is away: look again later


def _undelivered(error: KafkaError) -> WeirError:
    return UnavailableError(f"the feedback was not delivered: {error.name()}")


def _failure(request_id: str, error: KafkaError) -> WeirError:
    if error.code() in _TOO_LARGE:
        most = REQUESTS.max_message_bytes // MIB
        return UnreadableError(f"larger than {most} MiB", code=Code.TOO_LARGE, field="messages")
    return UnansweredError(request_id, f"not delivered: {error.name()}")


def _reason(error: Exception) -> str:
    """A short name; librdkafka's own text may quote a setting's value."""
    first = error.args[0] if error.args else None
    return first.name() if isinstance(first, KafkaError) else type(error).__name__
