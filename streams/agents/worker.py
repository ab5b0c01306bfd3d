"""The worker process: loads the stages, runs the agents, and ends cleanly on SIGTERM or SIGINT."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

import faust
from faust.types import TP

from schemas.errors import reason
from streams.agents.app import Agent, Threads, build_app
from streams.agents.batch import BatchRunner
from streams.agents.consumer import DRAIN_SECONDS
from streams.agents.producer import BatchProducer
from streams.agents.sparing import log_sparingly
from streams.dead_letters.allowance import Allowance
from streams.kafka.clients import confluent_config
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.process.health import HealthServer
from streams.settings import Settings
from streams.stage import Stage
from streams.topology import AGENTS, AgentSpec, BoundAgent, bind

STOP_SECONDS: Final = DRAIN_SECONDS + 10.0
"""After this the process ends whatever still runs; what is not acknowledged comes again."""

_BEAT_SECONDS: Final = 0.25
_STALLED_SECONDS: Final = 30.0  # a loop that has not come round for so long is not alive

logger = get_logger(__name__)


def run_worker(
    settings: Settings, stages: Mapping[str, Stage], metrics: Metrics, *, agents: Sequence[AgentSpec] = AGENTS
) -> int:
    """Run until SIGTERM or SIGINT, and return the process's exit status. For the main thread.

    0 after a clean end: the running batch finished, its offsets committed, the group left. 1 if something outside
    failed for longer than retries cover: a supervisor should start the process again; no event is lost. What does
    not end in ``STOP_SECONDS`` is cut off: then the process exits here, with the same status.

    Raises:
        WeirError: stages that do not fit the agents or cannot be loaded.
    """
    log_sparingly()
    with TemporaryDirectory(prefix="weir-worker-") as directory:
        worker = Worker(settings, bind(stages, agents), metrics, Path(directory))
        return asyncio.run(worker.run())


class Worker:
    """One worker process: create it, then ``run`` it once."""

    def __init__(self, settings: Settings, agents: Sequence[BoundAgent], metrics: Metrics, directory: Path) -> None:
        self._settings = settings
        self._agents = agents
        self._metrics = metrics
        self._directory = directory
        self._threads = Threads(
            ThreadPoolExecutor(1, "judge"), ThreadPoolExecutor(1, "publish"), ThreadPoolExecutor(1, "express")
        )
        self._producer = BatchProducer(confluent_config(settings))
        self._stop = asyncio.Event()
        self._failed = False
        self._assigned = False
        self._beat = monotonic()

    async def run(self) -> int:
        """Load, serve until stopped, and return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        health = HealthServer(
            self._metrics.registry,
            alive=lambda: monotonic() - self._beat < _STALLED_SECONDS,
            ready=lambda: self._assigned and not self._stop.is_set(),
            host=self._settings.metrics_host,
            port=self._settings.metrics_port,
        )
        logger.info("worker starts", url=health.start(), agents=[agent.spec.name for agent in self._agents])
        beating = asyncio.ensure_future(self._keep_beating())
        try:
            await self._load()
            if not self._stop.is_set():
                await self._serve()
            await self._end_threads()
        finally:
            beating.cancel()
            health.stop()
        logger.info("worker ends", clean=not self._failed)
        return self._status

    @property
    def _status(self) -> int:
        return 1 if self._failed else 0

    async def _keep_beating(self) -> None:
        while True:
            self._beat = monotonic()
            await asyncio.sleep(_BEAT_SECONDS)

    async def _load(self) -> None:
        for agent in self._agents:
            await asyncio.get_running_loop().run_in_executor(self._threads.judging, agent.stage.load)

    async def _serve(self) -> None:
        self._producer.start()
        app = build_app(
            self._settings, self._runners(), self._threads, directory=self._directory / "faust", fail=self._fail
        )
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        starting = asyncio.ensure_future(app.start())
        while not self._stop.is_set():
            await asyncio.wait({asyncio.ensure_future(self._stop.wait())}, timeout=_BEAT_SECONDS)
            if starting.done() and starting.exception():
                self._fail(starting.exception())
            elif app.should_stop:
                self._fail(app.crash_reason)
        await self._end_app(app)
        starting.cancel()

    def _runners(self) -> Sequence[Agent]:
        names = self._settings.topics
        return [Agent(names.of(each.spec.reads), self._runner(each), each.spec.express) for each in self._agents]

    def _runner(self, agent: BoundAgent) -> BatchRunner:
        letters = self._settings.topics.dead_letters_of(agent.spec.reads)
        allowance = Allowance(self._settings.dead_letter_share, self._settings.dead_letter_least)
        return BatchRunner(agent.stage, letters, self._producer, self._metrics, allowance)

    async def _on_assigned(self, _app: faust.App, assigned: set[TP], **_: object) -> None:
        # A worker beyond the number of partitions is given none, and is ready to take over.
        self._assigned = True
        logger.info("partitions assigned", partitions=len(assigned))

    def _fail(self, error: BaseException | None) -> None:
        logger.error("worker fails", reason=None if error is None else reason(error))
        self._failed = True
        self._stop.set()

    async def _end_app(self, app: faust.App) -> None:
        """Finish the running batch, commit and leave the group; after a failure nothing is waited for."""
        if self._failed:
            self._producer.stop()
            app.consumer.abandon()
        ending = asyncio.ensure_future(app.stop())
        done, _ = await asyncio.wait({ending}, timeout=STOP_SECONDS)
        if not done:
            self._failed = True
            self._cut_off("the broker or a batch did not let go in time")
        self._producer.stop()

    async def _end_threads(self) -> None:
        for executor in (self._threads.publishing, self._threads.judging, self._threads.express):
            assert executor is not None  # made here
            if not await _is_idle(executor):
                self._cut_off("a batch is still running")
            executor.shutdown()

    def _cut_off(self, reason: str) -> None:
        """Exit at once. Python would wait for its threads, and what they do is going to be done again anyway."""
        logger.warning("worker is cut off", reason=reason)
        os._exit(self._status)


async def _is_idle(executor: Executor) -> bool:
    probe = asyncio.wrap_future(executor.submit(lambda: None))
    done, _ = await asyncio.wait({probe}, timeout=1.0)
    return bool(done)
