"""Faust's consumer without its losses (read against faust-streaming 0.15).

Faust 0.15 commits past events that are not done: ``_new_offset`` refuses a gap only after a commit and only if it
is wider than one event, and an event that a stream skips during a rebalance is acknowledged as if it were done. It
also forgets acknowledgements before it commits them on a rebalance, waits for ever for an event that is never
acknowledged, and rests a second whenever its buffer is full.

``SafeConsumer`` counts for itself which offsets were delivered and which are done, and each override says what it
cures. ``SafeTransport`` brings it to one app; nothing of Faust's is patched.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any, ClassVar, Final, TypeAlias

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, ack_lock

from schemas.topics import MIB
from streams.agents.offsets import PartitionLedger

DRAIN_SECONDS: Final = 15.0
"""How long a rebalance or a stop waits for running batches. Those that take longer are done again elsewhere."""

_FULL_SECONDS: Final = 0.02  # between looks at a buffer that is full
_RETRY_MS: Final = 250
_FETCH_WAIT_MS: Final = 500  # of an idle fetch; a message that arrives ends it
_METADATA_MS: Final = 10_000  # a topic made after the start is found soon: unasked, aiokafka looks every five minutes
_PARTITION_FETCH_BYTES: Final = 4 * MIB  # a larger message still comes, alone (KIP-74)
_RESPONSE_FETCH_BYTES: Final = 48 * MIB  # bounds what is prefetched, whatever the number of partitions

Partitions: TypeAlias = set[TP]

# Faust tells of every start and stop in the logger of a service's module: that should be one of Faust's.
_faust_logger = logging.getLogger("faust.weir")


class _ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc] # faust is untyped here
    """The thread with the Kafka connection, which has a heartbeat of its own."""

    logger = _faust_logger

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ANN401 - faust's type
        """A consumer that skips aborted transactions: Faust reads uncommitted messages, with no setting for it."""
        conf = self.app.conf
        # The base class keeps this name for its own look-ups.
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id or None,
            partition_assignment_strategy=[self._assignor],
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            retry_backoff_ms=_RETRY_MS,
            metadata_max_age_ms=_METADATA_MS,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
            fetch_max_bytes=_RESPONSE_FETCH_BYTES,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )


class SafeConsumer(driver.Consumer):  # type: ignore[misc] # faust is untyped here
    """Commits exactly the prefix of delivered offsets that is acknowledged.

    Its own ledger stands in for the base class's ``_acked``, ``_acked_index`` and ``_gap``, which stay empty. All
    methods run in the event loop's thread.
    """

    logger = _faust_logger

    def __init__(self, *args: object, **options: object) -> None:
        self._ledgers: dict[TP, PartitionLedger] = {}
        self._drained = False
        super().__init__(*args, **options)

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:  # noqa: ANN401 - aiokafka's record
        """Note every message at the moment it is handed out, before anything can lose sight of it."""
        message = super()._to_message(tp, record)
        self._ledgers.setdefault(message.tp, PartitionLedger()).deliver(message.offset)
        return message

    def ack(self, message: ConsumerMessage) -> bool:
        """Cures a loss: an event that the stream skipped during a rebalance (never tracked) is not done."""
        with ack_lock:
            if message.acked or not message.tracked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            ledger = self._ledgers.get(message.tp)
            return ledger is not None and ledger.acknowledge(message.offset)

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterator[TP]:
        return (tp for tp in self._ledgers if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        """Cures a loss: never past the first delivered event that is not done, also before the first commit."""
        ledger = self._ledgers.get(tp)
        return None if ledger is None else ledger.position()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Cures a loss: the base class counts the event after a gap as part of it. The ledger needs no gaps."""

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ANN401, ASYNC109 - Faust's signature
        """Cures a stall: with a full buffer the base class looks again only after a second, when it is long empty."""
        if not (self.flow_active and self._buffered_partitions):
            return await super()._wait_next_records(timeout)
        if self._get_active_partitions():
            return await super()._wait_next_records(_FULL_SECONDS)
        await asyncio.sleep(_FULL_SECONDS)
        return {}, self._get_active_partitions()

    async def on_partitions_revoked(self, revoked: Partitions) -> None:
        """Cures duplicates: acknowledgements are kept until the base class has waited for them and committed."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._ledgers.pop(tp, None)
            self._committed_offset.pop(tp, None)

    async def wait_empty(self) -> None:
        """Cures a hang: waits ``DRAIN_SECONDS`` at most, and only once while stopping, then commits."""
        deadline = monotonic() + (0 if self._drained else DRAIN_SECONDS)
        while self._unacked_messages and monotonic() < deadline:
            await asyncio.sleep(0.02)  # Service.sleep would return at once while stopping
            self._clean_unacked_messages()
        self._drained = self._drained or self.app.should_stop
        await self.commit_and_end_transactions()

    def abandon(self) -> None:
        """Wait for no batch any more: those at work will not be acknowledged."""
        self._drained = True


class SafeTransport(driver.Transport):  # type: ignore[misc] # faust is untyped here
    """Faust's transport with ``SafeConsumer``. Assign it to ``app.transport`` before the app starts."""

    Consumer: ClassVar[type[SafeConsumer]] = SafeConsumer
