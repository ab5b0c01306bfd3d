"""Messages to their topics again, no faster than wanted."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException, Producer

from schemas.codec import Headers
from schemas.errors import UnavailableError
from streams.kafka.clients import copying
from streams.settings import Settings

_DELIVERY_SECONDS: Final = 30.0


class ReplayProducer:
    """Sends messages in order, at most ``per_second`` of them; leaving its context waits until all are delivered."""

    def __init__(self, settings: Settings, per_second: float, sleep: Callable[[float], None]) -> None:
        self._settings = settings
        self._interval = 1 / per_second
        self._sleep = sleep
        self._producer: Producer | None = None
        self._failures: list[str] = []
        self._due = 0.0

    def __enter__(self) -> Self:
        self._producer = Producer(copying(self._settings, _DELIVERY_SECONDS))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._producer is not None
        left = self._producer.flush(_DELIVERY_SECONDS)
        if kind is None and left:
            raise UnavailableError("the broker does not take the messages")
        if kind is None:
            self._check()

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Send one message, once its turn has come.

        Raises:
            UnavailableError: the broker refused this or an earlier one.
        """
        assert self._producer is not None
        now = time.monotonic()
        if self._due > now:
            self._sleep(self._due - now)
        self._due = max(now, self._due) + self._interval
        try:
            self._producer.produce(topic, key=key, value=value, headers=list(headers), on_delivery=self._delivered)
        except BufferError:
            self._producer.flush(_DELIVERY_SECONDS)
            self._producer.produce(topic, key=key, value=value, headers=list(headers), on_delivery=self._delivered)
        except KafkaException as error:
            raise UnavailableError(f"a message was not delivered: {type(error).__name__}", field=topic) from None
        self._producer.poll(0)
        self._check()

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self._failures.append(str(getattr(error, "name", lambda: "unknown")()))

    def _check(self) -> None:
        if self._failures:
            raise UnavailableError(f"a message was not delivered: {self._failures[0]}")
