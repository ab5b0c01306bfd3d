"""Apache Kafka's jars, by Maven coordinates, in a cache that is filled once."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from schemas.errors import ConfigError, UnavailableError

KAFKA_VERSION: Final = "4.1.0"
_FETCH_DEADLINE_S = 900
# slf4j-simple: without a backend the broker would not say why it cannot start.
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


class KafkaJars:
    """The broker's class path in ``directory``: 46 jars, 43 MB, complete or absent."""

    def __init__(self, directory: Path, version: str = KAFKA_VERSION) -> None:
        self.directory = directory
        self.version = version

    @property
    def present(self) -> bool:
        """Whether the jars are there. The directory appears by one rename, after the last jar."""
        return self.directory.is_dir()

    def fetch(self) -> None:
        """Fetch the jars unless they are there. Safe from several processes at once; the first one fetches.

        Raises:
            ConfigError: Maven is not installed.
            UnavailableError: Maven could not fetch them.
        """
        if self.present:
            return
        maven = shutil.which("mvn")
        if maven is None:
            raise ConfigError(
                "`mvn` fetches Kafka's jars and is missing: apt-get install maven openjdk-17-jre-headless"
            )
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        with (self.directory.parent / f"{self.directory.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.present:
                self._fetch(maven)

    def _fetch(self, maven: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.directory.parent, prefix="fetch-") as work:
            pom = Path(work, "pom.xml")
            pom.write_text(_POM.format(version=self.version))
            target = Path(work, "jars")
            command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
            try:
                done = subprocess.run(
                    command,
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=_FETCH_DEADLINE_S,
                    stdin=subprocess.DEVNULL,
                )
            except subprocess.TimeoutExpired:
                raise UnavailableError(f"Maven did not fetch Kafka's jars in {_FETCH_DEADLINE_S} s") from None
            if done.returncode != 0:
                lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
                reason = lines[0] if lines else f"exit status {done.returncode}"
                raise UnavailableError(f"Maven could not fetch Kafka {self.version}: {reason}")
            target.rename(self.directory)
