"""Runs the demo's client: a process of its own, which knows Kafka and nothing of Weir."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self

from schemas.errors import UnavailableError
from streams.demo.delivered import Delivered
from streams.local.leash import leashed

_CORPUS: Final = ("interactions.jsonl", "requests.jsonl", "malformed.jsonl")
_END_SECONDS: Final = 10


def corpus() -> tuple[Path, ...]:
    """The files of example traffic that Weir ships."""
    return tuple(_directory() / name for name in _CORPUS)


def _directory() -> Path:
    # A path of the file system: packages are installed unpacked.
    return Path(str(files("deploy"))) / "demo"


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What to send where, and where the replies come, if anybody waits for them.

    ``rate`` is in messages a second; None: as fast as the broker takes them.
    """

    bootstrap: str
    interactions_topic: str
    requests_topic: str
    replies_topic: str | None = None
    rate: float | None = None
    files: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files to send: by default those that Weir ships."""
        return self.files or corpus()

    def command(self) -> Sequence[str]:
        """The client's command line."""
        rate = () if self.rate is None else ("--rate", str(self.rate))
        sources = [part for path in self.paths for part in ("--file", str(path))]
        topics = ("--topic", self.interactions_topic, "--requests-topic", self.requests_topic)
        replies = () if self.replies_topic is None else ("--replies-topic", self.replies_topic)
        script = str(_directory() / "produce.py")
        return [sys.executable, script, "--bootstrap", self.bootstrap, *topics, *replies, *sources, *rate, "--progress"]


class Traffic:
    """The client while it runs: a context that ends it, and which it cannot outlive."""

    def __init__(self, plan: TrafficPlan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._latest = Delivered()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def expected(self) -> int:
        """How many messages there are to send."""
        return sum(bool(line.strip()) for path in self._plan.paths for line in path.read_bytes().splitlines())

    @property
    def running(self) -> bool:
        """Whether more may be delivered."""
        return self._reader is not None and self._reader.is_alive()

    @property
    def latest(self) -> Delivered:
        """What the client said last."""
        return self._latest

    def start(self) -> None:
        """Start to send. The calling thread must live as long as the client."""
        command = leashed(os.getpid(), self._plan.command())
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._reader = Thread(target=self._read, name="demo-traffic", daemon=True)
        self._reader.start()

    def result(self) -> Delivered:
        """Everything that was delivered, once the client has ended.

        Raises:
            UnavailableError: something was not delivered.
        """
        if self._process is None or self._reader is None:
            raise RuntimeError("start() comes first")
        self._reader.join()
        status = self._process.wait()
        if status != 0 or not self._latest.done:
            reason = self._latest.error or f"the client ended with status {status}"
            raise UnavailableError(f"the demo's traffic was not delivered: {reason}")
        return self._latest

    def stop(self) -> None:
        """End the client, whether it is done or not. May be called twice."""
        if self._process is None or self._reader is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_SECONDS)

    def _read(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self._latest = Delivered.read(line)
