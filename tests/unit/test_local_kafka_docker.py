"""The broker as a container, as far as it shows without a Docker engine."""

from itertools import pairwise

import pytest

from streams.local.broker import BrokerPlan, choose_runtime
from streams.local.kafka_docker import IMAGE, DockerKafka

# Answers like a Docker engine that has the image, and writes down what it was asked.
DOCKER = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A machine with Docker and without Java; what Docker was asked is in the file."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    (programs / "dirname").symlink_to("/usr/bin/dirname")
    monkeypatch.setenv("PATH", str(programs))
    return programs / "asked"


def test_docker_is_chosen_where_java_is_missing(docker, tmp_path):
    """Without Java, and with a Docker engine that answers, the broker is a container."""
    runtime = choose_runtime(BrokerPlan(tmp_path / "kafka", 19092, tmp_path / "jars"))
    assert isinstance(runtime, DockerKafka)
    runtime.prepare()
    asked = docker.read_text().splitlines()
    assert asked[1:] == [f"image inspect {IMAGE}", f"rm -f {runtime.name}"]


def test_the_container_listens_where_it_is_advertised(tmp_path):
    """One loopback port, the same inside and outside; every setting is in the environment; data in a volume."""
    (tmp_path / "kafka").mkdir()
    runtime = DockerKafka(tmp_path / "kafka", 19092, heap_mib=256)
    command = runtime.command
    settings = dict(part.split("=", 1) for flag, part in pairwise(command) if flag == "-e")
    assert command[:4] == ("docker", "run", "--rm", "--name")
    assert command[-1] == IMAGE
    assert "127.0.0.1:19092:19092" in command
    assert f"{runtime.name}:{settings['KAFKA_LOG_DIRS']}" in command
    assert settings["KAFKA_LISTENERS"].startswith("PLAINTEXT://0.0.0.0:19092,")
    assert settings["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:19092"
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert settings["KAFKA_HEAP_OPTS"] == "-Xmx256m"


def test_name_and_cluster_stay_with_the_directory(tmp_path):
    """The same directory is the same container, volume and cluster; another one is not."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = DockerKafka(tmp_path / "one", 1), DockerKafka(tmp_path / "two", 1)
    assert first.command == DockerKafka(tmp_path / "one", 1).command
    assert first.name != second.name
