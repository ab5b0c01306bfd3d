"""Settings of a single-node broker, the same on Java and in Docker."""

import base64
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
# The largest record of a topic is 64 MiB; a batch has headers and keys around it.
MAX_MESSAGE_BYTES: Final = 66 * MIB


def broker_properties(*, listener: str, advertised: str, controller: str, log_directory: str) -> Mapping[str, str]:
    """One node that is broker and controller; addresses are ``host:port``.

    Nothing that a topic can decide is decided here, except the largest message, which a topic can only lower.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{listener},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_directory,
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(MAX_MESSAGE_BYTES),
        "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
        "socket.request.max.bytes": str(2 * MAX_MESSAGE_BYTES),
        # One replica of everything that the broker keeps for itself, and few partitions of it: each is open files.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # A laptop may sleep for a month; a group that comes back must find its place.
        "offsets.retention.minutes": str(60 * 24 * 60),
        "group.initial.rebalance.delay.ms": "0",
        # After a crash the node waits until its former self counts as gone: the default is 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # The cleaner allocates this at start: 128 MiB by default, which is a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": str(16 * MIB),
        # Sparse files, but one a segment: keep them small where there are hundreds of partitions.
        "log.index.size.max.bytes": str(2 * MIB),
    }


class ClusterId:
    """The cluster's id, made once and kept in the broker's directory."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "cluster.id"

    def get(self) -> str:
        """The id: 16 random bytes in URL-safe base64 without padding, as Kafka writes its UUIDs.

        The first digit is an ``A``: Kafka's tools take a word with a leading hyphen, one id of 64, for an option.
        """
        if not self._file.exists():
            text = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
            fresh = self._file.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(self._file)
        return self._file.read_text()
