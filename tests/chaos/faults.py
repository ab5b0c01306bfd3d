"""Does to a running stack what a plan says."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.chaos.machine import Machine
from tests.chaos.plan import Fault, Plan
from tests.fixtures.processes import runs
from tests.fixtures.stack import LiveStack

_RESTART_SECONDS: Final = 120
_BEAT_SECONDS: Final = 0.4
_STOPPED_SHARE: Final = 0.9


class Saboteur:
    """Carries out the faults of a plan in a thread of its own; ``join`` waits for the last, and mends what it broke."""

    def __init__(self, stack: LiveStack, machine: Machine, plan: Plan) -> None:
        self._stack = stack
        self._machine = machine
        self._plan = plan
        self._chance = random.Random(plan.seed + 2)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._later: list[threading.Thread] = []
        self._stopping = threading.Lock()  # a supervisor is killed and started by one thread at a time
        # ClickHouse 26.9 replaces a table's definition by an empty file if it is altered while the disk is full, and
        # cannot be opened again: a fault of the engine's that nothing here could survive.
        self._altering = threading.Lock()
        self.errors: list[BaseException] = []

    def start(self) -> None:
        self._begun = time.monotonic()
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        for thread in self._later:
            thread.join()

    def _run(self) -> None:
        for fault in self._plan.faults:
            time.sleep(max(0.0, self._begun + fault.at - time.monotonic()))
            self._apart(lambda fault=fault: getattr(self, f"_{fault.kind}")(fault))

    def _apart(self, act: Callable[[], None]) -> None:
        """Faults that last do not hold up the next ones."""

        def kept() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - told by the run, whatever it is
                self.errors.append(error)

        self._later.append(threading.Thread(target=kept, daemon=True))
        self._later[-1].start()

    def _kill(self, fault: Fault) -> None:
        if fault.target == "supervisor":
            self._kill_supervisor()
        else:
            self._signal(fault.target, signal.SIGKILL)

    def _end(self, fault: Fault) -> None:
        self._signal(fault.target, signal.SIGTERM)

    def _pause(self, fault: Fault) -> None:
        pid = self._pid(fault.target)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(fault.seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _slow(self, fault: Fault) -> None:
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            pid = self._pid(fault.target)  # another one, if it was killed meanwhile
            for number, share in ((signal.SIGSTOP, _STOPPED_SHARE), (signal.SIGCONT, 1 - _STOPPED_SHARE)):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                time.sleep(share * _BEAT_SECONDS)

    def _full(self, fault: Fault) -> None:
        with self._altering, self._machine.full_disk():
            time.sleep(fault.seconds)

    def _clock(self, fault: Fault) -> None:
        with self._machine.other_time(fault.hours):
            time.sleep(fault.seconds)

    def _join(self, fault: Fault) -> None:
        environment = {**self._stack.environment, **self._addresses()}
        with (self._stack.home / "logs" / f"joining-{fault.target}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", fault.target], env=environment, stdout=log, stderr=log
            )
        time.sleep(fault.seconds)
        process.send_signal(self._chance.choice((signal.SIGKILL, signal.SIGTERM)))
        process.wait(60)

    def _refuse(self, fault: Fault) -> None:
        self._insist(f"RENAME TABLE IF EXISTS {fault.target} TO {fault.target}_away")
        time.sleep(fault.seconds)
        self._insist(f"RENAME TABLE IF EXISTS {fault.target}_away TO {fault.target}")

    def _readonly(self, fault: Fault) -> None:
        with self._altering:
            self._insist(f"ALTER TABLE {fault.target} MODIFY SETTING table_readonly = 1")
            time.sleep(fault.seconds)
            self._insist(f"ALTER TABLE {fault.target} MODIFY SETTING table_readonly = 0")

    def _insist(self, statement: str) -> None:
        """Do it once the store is there: it may be down at this moment."""
        end = time.monotonic() + _RESTART_SECONDS
        while True:
            try:
                state = self._stack.state
                url = f"{state.clickhouse_url}/?database={state.database}"
                urllib.request.urlopen(url, data=statement.encode(), timeout=20).close()
            except (OSError, AttributeError):  # AttributeError: no stack runs at the moment
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
            else:
                return

    def _kill_supervisor(self) -> None:
        with self._stopping:
            state = self._stack.state
            os.kill(state.pid, signal.SIGKILL)
            end = time.monotonic() + 60
            while any(runs(process.pid) for process in state.processes if process.pid) and time.monotonic() < end:
                time.sleep(0.2)
            self._start()

    def _start(self) -> None:
        """Start the stack, again if it does not start: other faults go on meanwhile."""
        end = time.monotonic() + _RESTART_SECONDS
        while True:
            try:
                self._stack.up()
            except (AssertionError, subprocess.TimeoutExpired):
                if time.monotonic() > end:
                    raise
            else:
                return

    def _signal(self, target: str, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid(target), number)

    def _pid(self, target: str) -> int:
        """The pid, once the process runs: it may be starting again."""
        end = time.monotonic() + _RESTART_SECONDS
        while time.monotonic() < end:
            state = self._stack.state
            for process in state.processes if state else ():
                if process.name == target and process.pid:
                    return process.pid
            time.sleep(0.1)
        raise TimeoutError(f"{target} did not start again")

    def _addresses(self) -> dict[str, str]:
        while (state := self._stack.state) is None:
            time.sleep(0.2)
        return {
            "WEIR_KAFKA_BOOTSTRAP": state.bootstrap,
            "WEIR_CLICKHOUSE_URL": state.clickhouse_url,
            "WEIR_VAULT_KEY_FILE": str(self._stack.home / "vault.key"),
        }
