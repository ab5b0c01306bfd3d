"""Runs processes tier by tier, keeps them running, and ends them all.

It knows nothing of what the processes do: specifications and the work between tiers are handed to it.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

from schemas.errors import UnavailableError
from streams.local.console import Announcer, LineFile
from streams.local.leash import leashed
from streams.local.process import ProcessSpec
from streams.local.state import ProcessState

_LONGEST_LINE: Final = 1024 * 1024
_READY_EVERY_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0  # after running for so long, a crash counts as the first
_STARTS: Final = 3  # a process that ends so often before it was ever ready will not do better


class Child:
    """One process and its restarts."""

    def __init__(self, spec: ProcessSpec, lines: LineFile, announce: Announcer) -> None:
        self.spec = spec
        self.restarts = 0
        self.was_ready = False
        self.stopping = False
        self._lines = lines
        self._announce = announce
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 while it is down."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else 0

    async def keep_running(self, changed: Callable[[], None]) -> None:
        """Run, and run again after every end that was not asked for. Returns once it has ended for good."""
        pause = _FIRST_PAUSE_S
        while not self.stopping:
            since = monotonic()
            status = await self._run_once(changed)
            if self._asked_to_end():
                return
            if not self.was_ready and self.restarts + 1 >= _STARTS:
                raise UnavailableError(f"{self.spec.name} ended with status {status}; see {self._lines.path}")
            if monotonic() - since > _STEADY_S:
                pause = _FIRST_PAUSE_S
            self._announce(self.spec, f"ended with status {status}; starting again in {pause:.1f} s")
            changed()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            self.restarts += 1

    def _asked_to_end(self) -> bool:
        return self.stopping

    async def _run_once(self, changed: Callable[[], None]) -> int:
        environment = None if self.spec.environment is None else dict(self.spec.environment)
        command = leashed(os.getpid(), self.spec.command)
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment, limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the supervisor, which ends its children in order
        )  # fmt: skip
        changed()
        await self._pump(self._process)
        return await self._process.wait()

    async def _pump(self, process: Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit: its head has been dropped
                continue
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            self._lines.write(text)
            self._announce(self.spec, text)

    async def until_ready(self) -> None:
        """Wait for readiness. Raises ``UnavailableError`` after the specification's deadline."""
        end = monotonic() + self.spec.ready_deadline_s
        loop = asyncio.get_running_loop()
        while not (self.pid and await loop.run_in_executor(None, self._is_ready)):
            if monotonic() > end:
                raise UnavailableError(f"{self.spec.name} is not ready; see {self._lines.path}")
            await asyncio.sleep(_READY_EVERY_S)
        self.was_ready = True

    def _is_ready(self) -> bool:
        try:
            return self.spec.ready()
        except OSError:
            return False

    async def end(self) -> None:
        """SIGTERM, and SIGKILL after the specification's grace."""
        self.stopping = True
        if not self.pid or self._process is None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self.spec.grace_s)
        except TimeoutError:
            self._announce(self.spec, f"did not end in {self.spec.grace_s:.0f} s and is killed")
            self._process.kill()
            await self._process.wait()


class Supervisor:
    """Runs the specifications until SIGTERM or SIGINT. ``run`` once, from the main thread.

    ``before`` maps a tier to work that is done when all lower tiers are ready. ``changed`` is told of every start and
    end, with whether all have been ready.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        logs: Path,
        announce: Announcer,
        before: Mapping[int, Callable[[], None]],
        changed: Callable[[tuple[ProcessState, ...], bool], None],
    ) -> None:
        self._children = [Child(spec, LineFile(logs / f"{spec.name}.log"), announce) for spec in specs]
        self._before = before
        self._changed = changed
        self._all_ready = False
        self._keepers: list[asyncio.Task[None]] = []

    def run(self) -> None:
        """Start everything, keep it running, end it after a signal.

        Raises:
            UnavailableError: a process does not start; the others are ended first.
            WeirError: whatever the work between tiers raises, likewise.
        """
        asyncio.run(self._run())

    async def _run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopped = asyncio.create_task(stop.wait())
        starting = asyncio.create_task(self._start())
        try:
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await self._watch(stopped)
        finally:
            starting.cancel()
            await self._end()

    async def _start(self) -> None:
        tiers = sorted({child.spec.tier for child in self._children})
        for tier in tiers:
            work = self._before.get(tier)
            if work is not None:
                await asyncio.get_running_loop().run_in_executor(None, work)
            mine = [child for child in self._children if child.spec.tier == tier]
            keepers = [asyncio.create_task(child.keep_running(self._tell)) for child in mine]
            self._keepers += keepers
            await self._until_ready(mine, keepers)
        self._all_ready = True
        self._tell()

    async def _until_ready(self, children: Sequence[Child], keepers: Sequence[asyncio.Task[None]]) -> None:
        """Wait for all of them, or for one of them to give up."""
        waiting = [asyncio.create_task(child.until_ready()) for child in children]
        pending: set[asyncio.Task[None]] = set(waiting)
        try:
            while pending:
                done, _ = await asyncio.wait({*pending, *keepers}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                pending -= done
        finally:
            for task in waiting:
                task.cancel()

    async def _watch(self, stopped: "asyncio.Task[bool]") -> None:
        ends: list[asyncio.Future[Any]] = [stopped, *self._keepers]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for keeper in self._keepers:
            if keeper.done():
                keeper.result()

    async def _end(self) -> None:
        for tier in sorted({child.spec.tier for child in self._children}, reverse=True):
            await asyncio.gather(*(child.end() for child in self._children if child.spec.tier == tier))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def _tell(self) -> None:
        states = tuple(
            ProcessState(child.spec.name, child.pid, child.restarts, child.spec.metrics_url) for child in self._children
        )
        self._changed(states, self._all_ready)
