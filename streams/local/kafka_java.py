"""The broker on a Java runtime."""

import subprocess
from pathlib import Path

from schemas.errors import UnavailableError
from streams.local.jars import KafkaJars
from streams.local.kafka_properties import ClusterId, broker_properties
from streams.local.ports import LOOPBACK, choose_port

_FORMAT_DEADLINE_S = 60
_WARN_AT_EVERY_START = ("controller.QuorumController", "clients.NetworkClient")


class JavaKafka:
    """Kafka's jars, a formatted log directory and a property file under ``directory``."""

    def __init__(self, directory: Path, port: int, jars: KafkaJars, heap_mib: int = 512) -> None:
        self._directory = directory.absolute()
        self._port = port
        self._jars = jars
        self._heap_mib = heap_mib

    @property
    def command(self) -> tuple[str, ...]:
        """One JVM, with its warnings on standard error."""
        options = (
            f"-Xmx{self._heap_mib}m",
            "-XX:+UseSerialGC",  # the smallest resident size; pauses of a few ms do not matter here
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            *(f"-Dorg.slf4j.simpleLogger.log.org.apache.kafka.{name}=error" for name in _WARN_AT_EVERY_START),
        )
        return self._java(*options, "kafka.Kafka", str(self._properties))

    def prepare(self) -> None:
        """Fetch the jars, write the properties, format the storage once.

        Raises:
            ConfigError: Maven is needed and missing.
            UnavailableError: the jars cannot be fetched or the storage cannot be formatted.
        """
        self._jars.fetch()
        self._directory.mkdir(parents=True, exist_ok=True)
        logs = self._directory / "data"
        properties = broker_properties(
            listener=f"{LOOPBACK}:{self._port}",
            advertised=f"{LOOPBACK}:{self._port}",
            controller=f"{LOOPBACK}:{choose_port()}",
            log_directory=str(logs),
        )
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        if not (logs / "meta.properties").exists():
            self._format(ClusterId(self._directory).get())

    @property
    def _properties(self) -> Path:
        return self._directory / "server.properties"

    def _java(self, *arguments: str) -> tuple[str, ...]:
        *options, main, last = arguments
        return ("java", *options, "-cp", f"{self._jars.directory}/*", main, last)

    def _format(self, cluster: str) -> None:
        # A format that was cut short leaves a directory without meta.properties, and may be done again.
        tool = ("java", "-cp", f"{self._jars.directory}/*", "kafka.tools.StorageTool")
        command = [*tool, "format", "--ignore-formatted", "-t", cluster, "-c", str(self._properties)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_FORMAT_DEADLINE_S)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise UnavailableError(f"Kafka's storage cannot be formatted: {lines[-1] if lines else 'no reason given'}")
