"""The broker as the official image, for machines with a Docker engine and without Java."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from schemas.errors import UnavailableError
from streams.local.jars import KAFKA_VERSION
from streams.local.kafka_properties import ClusterId, broker_properties
from streams.local.ports import LOOPBACK

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
_ASK_DEADLINE_S = 10
_PULL_DEADLINE_S = 900
_DATA = "/var/lib/kafka/data"  # a volume of the image, owned by its user


def docker_answers() -> bool:
    """Whether a Docker engine can be reached from here."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    command = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=_ASK_DEADLINE_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class DockerKafka:
    """A container and a volume, both named after ``directory``.

    The container listens on the same port inside as outside: the broker also connects to the address it advertises.
    ``docker run`` hands SIGTERM on; a container that was left behind by SIGKILL is removed by the next ``prepare``.
    """

    def __init__(self, directory: Path, port: int, heap_mib: int = 512) -> None:
        self._directory = directory.absolute()
        self._port = port
        self._heap_mib = heap_mib

    @property
    def name(self) -> str:
        """The name of the container and of the volume."""
        return f"weir-kafka-{hashlib.sha256(str(self._directory).encode()).hexdigest()[:12]}"

    @property
    def command(self) -> tuple[str, ...]:
        """``docker run`` in the foreground; the image formats the storage at the first start."""
        properties = broker_properties(
            listener=f"0.0.0.0:{self._port}",
            advertised=f"{LOOPBACK}:{self._port}",
            controller="localhost:29093",
            log_directory=_DATA,
        )
        # The image reads broker settings from the environment: KAFKA_LOG_DIRS for log.dirs.
        settings = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in properties.items()}
        settings["CLUSTER_ID"] = ClusterId(self._directory).get()
        settings["KAFKA_HEAP_OPTS"] = f"-Xmx{self._heap_mib}m"
        options = [part for key, value in settings.items() for part in ("-e", f"{key}={value}")]
        publish = f"{LOOPBACK}:{self._port}:{self._port}"
        run = ("docker", "run", "--rm", "--name", self.name, "-p", publish, "-v", f"{self.name}:{_DATA}")
        return (*run, *options, IMAGE)

    def prepare(self) -> None:
        """Pull the image and remove a container that an earlier run left behind.

        Raises:
            UnavailableError: the image cannot be pulled.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        present = subprocess.run(
            ["docker", "image", "inspect", IMAGE], check=False, capture_output=True, timeout=_ASK_DEADLINE_S
        )
        if present.returncode != 0:
            pulled = subprocess.run(
                ["docker", "pull", "-q", IMAGE], check=False, capture_output=True, timeout=_PULL_DEADLINE_S
            )
            if pulled.returncode != 0:
                raise UnavailableError(f"Docker could not pull {IMAGE}")
        subprocess.run(["docker", "rm", "-f", self.name], check=False, capture_output=True, timeout=_PULL_DEADLINE_S)
