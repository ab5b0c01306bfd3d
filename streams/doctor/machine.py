"""This machine: Python, what runs a local Kafka, memory, disk, ports and graphics processors."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streams.doctor.finding import Finding, missing, ok, warning
from streams.local.jars import KAFKA_VERSION, KafkaJars
from streams.local.kafka_docker import docker_answers
from streams.local.ports import choose_port
from streams.local.state import read_state
from streams.settings import Settings

GIB: Final = 1024**3
_PYTHONS: Final = ((3, 11), (3, 13))  # from, and before
_JAVA: Final = 17
_INSTALL_JAVA: Final = "apt-get install maven openjdk-17-jre-headless"
_MEMORY: Final = 3 * GIB  # broker, engine, worker and a small model
_DISK: Final = (1 * GIB, 5 * GIB)  # nothing starts below the first; below the second a few days fill it
_PROGRAM_SECONDS: Final = 10
_MEMINFO: Final = Path("/proc/meminfo")


def check_python(_settings: Settings) -> Iterator[Finding]:
    """Whether this Python is one that Weir is made for."""
    yield python_finding(sys.version_info[:2])


def python_finding(version: tuple[int, int]) -> Finding:
    """What there is to say of a version."""
    first, past = _PYTHONS
    name = ".".join(map(str, version))
    if first <= version < past:
        return ok("python", name)
    return missing("python", f"{name}; 3.11 or 3.12 is needed", "make setup PYTHON=/path/to/python3.11")


def check_kafka_runtime(settings: Settings) -> Iterator[Finding]:
    """Whether a local Kafka can be run, unless another one is configured."""
    if settings.kafka_bootstrap is not None:
        yield ok("java", "not needed: a broker is configured or runs")
        return
    version = java_version()
    jars = KafkaJars(settings.cache / "kafka" / KAFKA_VERSION).present
    maven = shutil.which("mvn") is not None
    if version is not None and version >= _JAVA and (jars or maven):
        yield ok("java", f"{version}; Kafka's jars are {'here' if jars else 'fetched at the first start'}")
    elif docker_answers():
        yield ok("java", "not needed: Docker runs Kafka")
    elif version is None or version < _JAVA:
        found = "no Java" if version is None else f"Java {version}"
        yield missing("java", f"{found}; a local Kafka needs {_JAVA} or later", _INSTALL_JAVA)
    else:
        yield missing("maven", "it fetches Kafka's jars, and is missing", _INSTALL_JAVA)


def java_version() -> int | None:
    """The major version of the Java on the path; None if there is none that says."""
    done = _run("java", "-version")
    match = re.search(r'version "(?:1\.)?(\d+)', done or "")
    return int(match[1]) if match else None


def check_memory(settings: Settings) -> Iterator[Finding]:
    """Whether the local stack's processes fit into what is free, unless they run already."""
    if _stack_runs(settings):
        return
    free = free_memory()
    if free is None:
        return
    what = f"{free / GIB:.1f} GiB free"
    if free < _MEMORY:
        fix = "end other programs, or WEIR_MODEL=noop and WEIR_WORKERS=1"
        yield warning("memory", f"{what}; all of Weir here takes some {_MEMORY // GIB} GiB", fix)
    else:
        yield ok("memory", what)


def free_memory() -> int | None:
    """Bytes that programs can still have; None where the system does not tell."""
    try:
        match = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return int(match[1]) * 1024 if match else None


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Whether the folders for data and downloads can grow."""
    for name, setting, path in (("home", "WEIR_HOME", settings.home), ("cache", "WEIR_CACHE", settings.cache)):
        try:
            place = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
            free = shutil.disk_usage(place).free
        except OSError as error:
            yield missing(name, f"{path}: {error.strerror}", f"{setting}=/another/folder")
            continue
        least, good = _DISK
        what = f"{free / GIB:.0f} GiB free under {path}"
        fix = f"free some, or {setting}=/another/folder"
        yield missing(name, what, fix) if free < least else warning(name, what, fix) if free < good else ok(name, what)


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Whether the local stack gets the ports that people expect it at."""
    if _stack_runs(settings):
        return
    wanted = {"kafka_port": settings.kafka_port} if settings.kafka_bootstrap is None else {}
    if settings.clickhouse_url is None:
        wanted["clickhouse_port"] = settings.clickhouse_port
    for name, port in wanted.items():
        label = name.replace("_", " ")
        if port and choose_port(port) != port:
            fix = f"WEIR_{name.upper()}=another, or leave it: `weir up` takes a free one"
            yield warning(label, f"{port} is taken", fix)
        else:
            yield ok(label, f"{port} is free" if port else "any free one")


def check_gpu(settings: Settings) -> Iterator[Finding]:
    """Whether there is a graphics processor, if one is asked for."""
    found = [line.split(" (UUID")[0] for line in (_run("nvidia-smi", "-L") or "").splitlines() if "GPU " in line]
    if found:
        yield ok("gpu", "; ".join(found))
    elif settings.device == "cuda":
        yield missing("gpu", "none is visible, and WEIR_DEVICE asks for one", "nvidia-smi, or WEIR_DEVICE=auto")
    else:
        yield ok("gpu", "none is visible: models run on the processor")


def _stack_runs(settings: Settings) -> bool:
    return read_state(settings.home) is not None


def _run(*command: str) -> str | None:
    """What a program prints, on either stream; None if it cannot be run."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_PROGRAM_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout + done.stderr).decode("utf-8", "replace") if done.returncode == 0 else None
