"""Destroying what the vault keeps of a subject."""

from dataclasses import dataclass

from schemas.codec import Outgoing
from schemas.topics import VAULT
from streams.account import account
from streams.agents.producer import BatchProducer
from streams.kafka.clients import confluent_config
from streams.logs import get_logger
from streams.settings import Settings
from streams.stage import Publication
from streams.vault.archive import Archive, Progress
from streams.vault.entries import data_keys_prefix

_DELIVERY_SECONDS = 30.0

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many data keys and entries of a subject were destroyed."""

    data_keys: int
    entries: int


def forget(settings: Settings, subject: str, progress: Progress = lambda _done, _of: None) -> Forgotten:
    """Destroy every data key and every entry that the vault has of a subject (``subject_of``). Harmless to repeat.

    Once this returns nobody can read them through Weir; within a day or so compaction takes the bytes from the
    brokers' disks. It does not touch the raw topics, which keep what came in until their retention ends, nor what is
    kept afterwards: it is for a subject whose traffic has stopped.

    Raises:
        UnavailableError: the broker does not answer; some may have been destroyed.
        ConfigError: there is no such topic.
    """
    with Archive(settings, progress) as archive:
        names = archive.names(subject)
    prefix = data_keys_prefix(subject).encode(errors="backslashreplace")
    # The keys first: without them the entries are nothing, if this ends half-way.
    ordered = sorted(names, key=lambda name: not name.startswith(prefix))
    topic = settings.topics.of(VAULT)
    producer = BatchProducer(confluent_config(settings), delivery_seconds=_DELIVERY_SECONDS)
    producer.start()
    producer.publish([Publication(topic, Outgoing(name, None)) for name in ordered])
    keys = sum(name.startswith(prefix) for name in names)
    logger.warning("forgotten", account=account(), subject=subject, data_keys=keys, entries=len(names) - keys)
    return Forgotten(keys, len(names) - keys)
