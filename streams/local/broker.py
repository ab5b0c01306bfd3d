"""A Kafka broker of one's own: one KRaft node on the loopback interface.

It runs on Java from Maven's jars; where ``java`` or ``mvn`` is missing and a Docker engine answers, as the official
image instead. Data stay in the broker's directory (or in a Docker volume named after it), so a second start goes on
with what the first one stored.
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import ConfigError, UnavailableError
from streams.local.jars import KafkaJars
from streams.local.kafka_docker import DockerKafka, docker_answers
from streams.local.kafka_java import JavaKafka
from streams.local.leash import leashed
from streams.local.ports import LOOPBACK
from streams.local.process import ProcessSpec

START_DEADLINE_S: Final = 90.0
STOP_DEADLINE_S: Final = 20.0


class KafkaRuntime(Protocol):
    """A way to run the broker."""

    def prepare(self) -> None:
        """Make ready what a start needs: files fetched, storage formatted. Doing it again changes nothing."""
        ...

    @property
    def command(self) -> tuple[str, ...]:
        """The command that runs the broker in the foreground and ends it on SIGTERM."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where a local broker lives: its data, its port (not 0), and the cache for its jars."""

    directory: Path
    port: int
    jars: Path
    heap_mib: int = 512

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"


def choose_runtime(plan: BrokerPlan) -> KafkaRuntime:
    """Java if it can be had, else Docker.

    Raises:
        ConfigError: neither can; names the missing programs and the command that installs them.
    """
    jars = KafkaJars(plan.jars)
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if jars.present:  # Maven has done its part
        missing = [program for program in missing if program != "mvn"]
    if not missing:
        return JavaKafka(plan.directory, plan.port, jars, plan.heap_mib)
    if docker_answers():
        return DockerKafka(plan.directory, plan.port, plan.heap_mib)
    names = " and ".join(f"`{program}`" for program in missing)
    raise ConfigError(
        f"a local Kafka needs {names}: apt-get install maven openjdk-17-jre-headless "
        "(or start a Docker engine, or point WEIR_KAFKA_BOOTSTRAP at a cluster)"
    )


def broker_answers(bootstrap: str, timeout_s: float = 1.0) -> bool:
    """Whether a broker serves metadata at ``bootstrap`` within ``timeout_s``."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.connection.setup.timeout.ms": 1000})
    try:
        return bool(client.list_topics(timeout=timeout_s).brokers)
    except KafkaException:
        return False


class KafkaBroker:
    """A broker as a child of this process, or as a specification for the supervisor.

    ``start`` must be called from a thread that lives as long as the broker. The broker ends with this process, or
    with ``owner`` if that is another one.
    """

    def __init__(self, plan: BrokerPlan, *, owner: int | None = None) -> None:
        self.plan = plan
        self._owner = owner
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return self.plan.bootstrap

    @property
    def log(self) -> Path:
        """What the broker prints when ``start`` ran it: warnings and errors."""
        return self.plan.directory / "broker.log"

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        assert self._process is not None, "the broker is not started"
        return self._process.pid

    def spec(self, *, tier: int = 0) -> ProcessSpec:
        """Prepare the broker, and describe it to the supervisor."""
        runtime = choose_runtime(self.plan)
        runtime.prepare()
        return ProcessSpec(
            name="kafka",
            command=runtime.command,
            tier=tier,
            ready=lambda: broker_answers(self.bootstrap),
            ready_deadline_s=START_DEADLINE_S,
            grace_s=STOP_DEADLINE_S,
            colour="magenta",
        )

    def start(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Run the broker and wait until it answers.

        Raises:
            ConfigError: a program is missing.
            UnavailableError: it ended, or did not answer in ``deadline_s`` seconds; nothing is left running.
        """
        spec = self.spec()
        command = leashed(self._owner or os.getpid(), spec.command)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + deadline_s
        while not spec.ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise UnavailableError(f"the local Kafka broker did not start; see {self.log}")
            time.sleep(0.1)

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> None:
        """End the broker: SIGTERM, and SIGKILL after ``deadline_s``. Harmless if it does not run."""
        self._end(signal.SIGTERM, deadline_s)

    def kill(self) -> None:
        """End the broker at once, as a crash would. Harmless if it does not run."""
        self._end(signal.SIGKILL, STOP_DEADLINE_S)

    def _end(self, number: signal.Signals, deadline_s: float) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
