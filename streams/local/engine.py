"""The embedded ClickHouse engine as a process with a loopback HTTP port: where it lives, how to run it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from streams.local.ports import LOOPBACK
from streams.local.probe import http_ok
from streams.local.process import ProcessSpec


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """The engine's directory, its port (not 0) and the memory that it may take, in MiB."""

    directory: Path
    port: int
    memory_mib: int = 2048

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://{LOOPBACK}:{self.port}"

    def spec(self, *, tier: int = 0) -> ProcessSpec:
        """The process for the supervisor."""
        options = ("--path", str(self.directory), "--port", str(self.port), "--memory-mib", str(self.memory_mib))
        return ProcessSpec(
            name="clickhouse",
            command=(sys.executable, "-m", "streams.local.engine_process", *options),
            tier=tier,
            ready=lambda: engine_answers(self.url),
            colour="yellow",
        )


def engine_answers(url: str) -> bool:
    """Whether a ClickHouse, local or not, answers at ``url``."""
    return http_ok(f"{url}/ping")
