"""One measured figure."""

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """The processor and how many cores of it there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


@dataclass(frozen=True)
class Figure:
    """``ratio`` is the value divided by that of ``ratio_to``, measured in the same run; ``load`` the machine's then."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    ratio_to: str | None = None
    machine: str = field(default_factory=machine)
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    def against(self, other: "Figure") -> "Figure":
        """The same figure with its ratio to another."""
        return Figure(self.name, self.value, self.unit, self.value / other.value, other.name)
