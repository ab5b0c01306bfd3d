"""The local stack: which processes it has, and what is done before each tier of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from schemas.errors import UnavailableError
from streams.kafka.topic_admin import create_topics
from streams.local.broker import BrokerPlan, KafkaBroker
from streams.local.console import Announcer, PrefixedConsole
from streams.local.engine import EnginePlan
from streams.local.jars import KAFKA_VERSION
from streams.local.ports import LOOPBACK, choose_port
from streams.local.probe import http_ok
from streams.local.process import ProcessSpec
from streams.local.state import (
    ProcessState,
    StackState,
    read_state,
    remove_state,
    sole_supervisor,
    start_time,
    write_state,
)
from streams.local.supervisor import Supervisor
from streams.settings import Settings, child_environment
from streams.store.migrations import migrate
from streams.vault.key_source import KEY_FILE, read_master_key, write_key_file

START_DEADLINE_S: Final = 180.0
STOP_DEADLINE_S: Final = 60.0
_ENGINES, _PROCESSES = 0, 1  # tiers
_COLOURS: Final = ("green", "bright_green", "cyan", "bright_cyan")


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and under which addresses. ``settings`` have them filled in."""

    settings: Settings
    specs: tuple[ProcessSpec, ...]
    before: Mapping[int, Callable[[], None]]


def plan_stack(settings: Settings) -> Stack:
    """Decide on ports and processes. Fetches Kafka's jars and formats its storage if that is still to be done.

    Raises:
        ConfigError: a program is missing; names the command that installs it. Or the vault's key will not do.
    """
    home = settings.home.absolute()
    engines: list[ProcessSpec] = []
    found: dict[str, str] = {}
    if settings.kafka_bootstrap is None:
        plan = BrokerPlan(home / "kafka", choose_port(settings.kafka_port), settings.cache / "kafka" / KAFKA_VERSION)
        engines.append(KafkaBroker(plan).spec(tier=_ENGINES))
        found["kafka_bootstrap"] = plan.bootstrap
    if settings.clickhouse_url is None:
        engine = EnginePlan(home / "clickhouse", choose_port(settings.clickhouse_port))
        engines.append(engine.spec(tier=_ENGINES))
        found["clickhouse_url"] = engine.url
    gateway_port = choose_port(settings.gateway_port)
    resolved = _with_vault_key(settings.model_copy(update={**found, "home": home, "gateway_port": gateway_port}))
    processes = [_process(resolved, f"worker-{n}", "worker", n) for n in range(1, settings.workers + 1)]
    processes.append(_process(resolved, "infer-1", "infer", 0))
    processes.append(_process(resolved, "settle", "settle", 0))
    processes.append(_process(resolved, "store", "store", 0))
    processes.extend(_monitor(resolved, shard) for shard in range(settings.monitor_shards))
    processes.append(_process(resolved, "gateway", "gateway", 0))
    processes.append(_process(resolved, "notify", "notify", 0))
    return Stack(resolved, (*engines, *processes), {_PROCESSES: lambda: _prepare(resolved)})


def _with_vault_key(settings: Settings) -> Settings:
    """The settings with a master key for the vault: the home's own, made once, where none is configured."""
    if settings.vault_key is None and settings.vault_key_file is None:
        path = settings.home / KEY_FILE
        write_key_file(path)
        settings = settings.model_copy(update={"vault_key_file": path})
    read_master_key(settings)  # one that will not do is told here, not by a process that ends again and again
    return settings


def _monitor(settings: Settings, shard: int) -> ProcessSpec:
    name = f"monitor-{shard}" if shard else "monitor"
    return _process(settings.model_copy(update={"monitor_shard": shard}), name, "monitor", shard)


def _process(settings: Settings, name: str, command: str, number: int) -> ProcessSpec:
    port = choose_port()
    url = f"http://{LOOPBACK}:{port}"
    environment = child_environment(
        home=str(settings.home),
        kafka_bootstrap=settings.kafka_bootstrap or "",
        clickhouse_url=settings.clickhouse_url or "",
        gateway_port=str(settings.gateway_port),
        monitor_shard=str(settings.monitor_shard),
        metrics_port=str(port),
        log_format="text" if sys.stdout.isatty() and settings.log_format == "auto" else settings.log_format,
        **({} if settings.vault_key_file is None else {"vault_key_file": str(settings.vault_key_file)}),
    )
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-m", "streams.cli", command),
        tier=_PROCESSES,
        environment=environment,
        ready=lambda: http_ok(f"{url}/ready"),
        ready_deadline_s=START_DEADLINE_S,
        grace_s=25.0,  # a worker finishes its batch and leaves the group
        metrics_url=f"{url}/metrics",
        colour=_COLOURS[number % len(_COLOURS)],
    )


def _prepare(settings: Settings) -> None:
    create_topics(settings)
    migrate(settings)


def run_stack(settings: Settings, console: Console, on_ready: Callable[[StackState], None]) -> None:
    """Run the stack in the foreground until a signal.

    Raises:
        ConfigError: another supervisor holds the home, or a program is missing.
        UnavailableError: a process does not start.
    """
    with sole_supervisor(settings.home):
        stack = plan_stack(settings)
        told = False

        def changed(processes: tuple[ProcessState, ...], ready: bool) -> None:
            nonlocal told
            state = _state(stack.settings, processes, ready=ready)
            write_state(settings.home, state)
            if ready and not told:
                told = True
                on_ready(state)

        supervisor = Supervisor(stack.specs, settings.home / "logs", _announcer(stack, console), stack.before, changed)
        try:
            supervisor.run()
        finally:
            remove_state(settings.home)


def start_detached(settings: Settings) -> StackState:
    """Start the stack in the background and wait until all of it is ready; cut short, it ends the stack.

    Raises:
        UnavailableError: it did not get there; the message names the log.
    """
    logs = settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        return _ready_state(settings, process, log)
    except BaseException:
        # A session of its own: no signal that ends us reaches it, and nobody would know that it is there.
        process.terminate()
        process.wait(STOP_DEADLINE_S)
        raise


def _ready_state(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> StackState:
    """The state of the stack that this supervisor starts, once all of it is ready."""
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end:
        state = read_state(settings.home)
        if state is not None and state.ready:
            return state
        if process.poll() is not None:
            raise UnavailableError(f"the stack did not start: {_last_line(log)}")
        time.sleep(0.1)
    raise UnavailableError(f"the stack was not ready after {START_DEADLINE_S:.0f} s; see {log}")


def _announcer(stack: Stack, console: Console) -> Announcer:
    return PrefixedConsole(console, max(len(spec.name) for spec in stack.specs))


def _state(settings: Settings, processes: tuple[ProcessState, ...], *, ready: bool) -> StackState:
    return StackState(
        pid=os.getpid(),
        started=start_time(os.getpid()),
        ready=ready,
        bootstrap=settings.kafka_bootstrap or "",
        namespace=settings.namespace,
        clickhouse_url=settings.clickhouse_url or "",
        database=settings.database,
        processes=processes,
        gateway_url=f"http://{settings.gateway_host}:{settings.gateway_port}/v1",
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {log}"
