"""The Faust app of a worker: one agent for each stage, on the corrected consumer."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import faust
from faust.types import EventT, StreamT

from schemas.codec import Message
from streams.agents.batch import BatchRunner, cut, utc
from streams.agents.consumer import SafeTransport
from streams.agents.records import read_any_header_name
from streams.dead_letters.allowance import TooManyDeadLettersError
from streams.kafka.clients import bootstrap
from streams.kafka.consumer_groups import worker_group
from streams.logs import get_logger
from streams.settings import Settings

MAX_WAIT_SECONDS: Final = 0.005
"""How long a first event waits for company, where the last one had some."""

_LONELY_SECONDS: Final = 0.0005  # otherwise: at low load nobody would come, and every hop of a request would wait

_BUFFERED_BATCHES: Final = 4  # delivered ahead of the batch at work: enough to keep busy, little to do again

logger = get_logger(__name__)

Failure: TypeAlias = Callable[[Exception], None]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Agent:
    """A runner and the full name of the topic that feeds it. One that is ``express`` waits for no other's batches."""

    topic: str
    runner: BatchRunner
    express: bool = False


@dataclass(frozen=True, slots=True)
class Threads:
    """Where the blocking steps run: one thread each, shared by all agents of the process but those that are express."""

    judging: Executor
    publishing: Executor
    express: Executor | None = None

    def of(self, agent: Agent) -> "Threads":
        """Those of one agent."""
        return self if self.express is None or not agent.express else replace(self, judging=self.express)


def build_app(
    settings: Settings, agents: Sequence[Agent], threads: Threads, *, directory: Path, fail: Failure
) -> faust.App:
    """An app that is not started. Call it in a running loop.

    ``directory`` is the process's own. ``fail`` is told, once at least, what no retry has cured; the agents then
    take no further events, and none of those at hand is acknowledged.
    """
    read_any_header_name()
    app = faust.App(worker_group(settings), **_options(settings), datadir=str(directory))
    app.boot_strategy.enable_kafka_producer = False  # BatchProducer publishes
    app.transport = SafeTransport(app.conf.broker_consumer, app)
    for agent in agents:
        topic = app.topic(agent.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        app.agent(topic, name=agent.runner.name)(
            _agent_body(agent.runner, threads.of(agent), settings.batch_size, fail)
        )
    return app


def _agent_body(
    runner: BatchRunner, threads: Threads, batch_size: int, fail: Failure
) -> Callable[[StreamT[bytes]], Awaitable[None]]:
    async def work(stream: StreamT[bytes]) -> None:
        stream.enable_acks = False  # _handle does
        # Faust's own noack_take wakes up every MAX_WAIT_SECONDS, events or not: 4 % of a core for each idle agent.
        # One place is enough: what waits here is finished before a rebalance.
        waiting: asyncio.Queue[EventT[bytes]] = asyncio.Queue(maxsize=1)
        running = asyncio.ensure_future(run_batches(waiting, runner, threads, batch_size, fail))
        try:
            async for event in stream.events():
                await waiting.put(event)
        finally:
            running.cancel()

    return work


async def run_batches(
    waiting: asyncio.Queue[EventT[bytes]], runner: BatchRunner, threads: Threads, batch_size: int, fail: Failure
) -> None:
    """Batch after batch, until cancelled or until one fails: then the rest waits for another process.

    Where too much would become dead letters it stops, and the rest waits for somebody to look.
    """
    within = _LONELY_SECONDS
    try:
        while True:
            events = await take(waiting, batch_size, within)
            within = MAX_WAIT_SECONDS if len(events) > 1 else _LONELY_SECONDS
            await _handle(events, runner, threads)
    except TooManyDeadLettersError as error:
        # Starting again would only drain as many more: it keeps its place in the group, and waits for somebody.
        logger.error("stops reading", stage=runner.name, reason=str(error))  # noqa: TRY400 - a traceback adds nothing
        runner.stopped()
        await asyncio.Event().wait()
    except Exception as error:  # noqa: BLE001 - Faust would start the agent again and lose track of its events
        fail(error)


async def take(waiting: asyncio.Queue[Item], size: int, within: float = MAX_WAIT_SECONDS) -> list[Item]:
    """Up to ``size`` items: the first one, for however long it takes, and what follows it ``within`` seconds."""
    items = [await waiting.get()]
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while len(items) < size:
                items.append(await waiting.get())
    return items


async def _handle(events: Sequence[EventT[bytes]], runner: BatchRunner, threads: Threads) -> None:
    """Judge, publish, then acknowledge: an event is done only when what it causes is delivered."""
    loop = asyncio.get_running_loop()
    messages = [message_of(event) for event in events]
    for part in cut([len(message.value or b"") for message in messages]):
        publications = await loop.run_in_executor(threads.judging, runner.judge, messages[part])
        await loop.run_in_executor(threads.publishing, runner.deliver, messages[part], publications)
        for event in events[part]:
            event.ack()


def message_of(event: EventT[bytes]) -> Message:
    """The message as it came: Faust's own ``event.headers`` is a dict, which drops duplicates."""
    message = event.message
    return Message(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=utc(round(message.timestamp * 1000)),
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
    )


def _options(settings: Settings) -> Mapping[str, Any]:
    """Faust's settings; its own environment variables are shut out."""
    return {
        "env": {},
        "autodiscover": False,
        "broker": [f"kafka://{address.strip()}" for address in bootstrap(settings).split(",")],
        "broker_client_id": "weir",
        "broker_credentials": _credentials(settings),
        "consumer_group_instance_id": settings.kafka_instance or "",
        "broker_session_timeout": 10.0 if settings.kafka_instance is None else settings.kafka_session_seconds,
        "broker_heartbeat_interval": 2.0,
        "broker_commit_interval": 1.0,
        "broker_max_poll_records": 500,
        "store": "memory://",
        "stream_buffer_maxsize": _BUFFERED_BATCHES * settings.batch_size,
        "stream_wait_empty": True,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
    }


def _credentials(settings: Settings) -> faust.auth.Credentials | None:
    tls = None
    if settings.kafka_security_protocol.endswith("SSL"):
        tls = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_password
        return faust.SASLCredentials(
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_username,
            password=password.get_secret_value() if password else None,
            ssl_context=tls,
        )
    return faust.SSLCredentials(context=tls) if tls else None
