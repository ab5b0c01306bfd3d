"""What stands in the topic ``vault``, found by reading all of it: nothing else knows what is where."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID

from schemas.codec import Message, decode
from schemas.errors import ConfigError, UnreadableError
from schemas.topics import VAULT
from schemas.vault import VaultRecord
from streams.kafka.topic_reader import TopicReader
from streams.settings import Settings
from streams.vault.entries import data_key_name, subject_prefix

MOST: Final = 50
"""Entries that are found at most: each may be as large as a request."""

_TELL_EVERY: Final = 1000  # messages

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Told how many messages of how many offsets have been read, from 0 again for every time through."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Entries of one event; None means any. The ids of events are their producers', so that several may share one."""

    event_id: str
    app: str | None = None
    source: str | None = None
    stage: str | None = None

    def match(self, record: VaultRecord) -> bool:
        """Whether an entry is meant."""
        return (
            record.kind == "entry"
            and record.source_event_id == self.event_id
            and self.app in {None, record.app}
            and self.source in {None, record.source}
            and self.stage in {None, record.stage}
        )


class Archive:
    """The vault's records as they are when it is opened; what was replaced or forgotten is not among them.

    Memory holds what is found, not what is read.

    Raises, from every method:
        UnavailableError: the broker does not answer.
        ConfigError: there is no such topic.
    """

    def __init__(self, settings: Settings, progress: Progress = lambda _done, _of: None) -> None:
        self._topic = settings.topics.of(VAULT)
        self._reader = TopicReader(settings, (self._topic,))
        self._progress = progress

    def __enter__(self) -> Self:
        self._reader.__enter__()
        if self._reader.missing:
            self._reader.__exit__(None, None, None)
            raise ConfigError("the broker has no such topic: run `weir topics create`", field=self._topic)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._reader.__exit__(kind, error, at)

    def entries(self, wanted: Wanted) -> Sequence[VaultRecord]:
        """The entries that are meant, oldest first.

        Raises:
            ConfigError: there are more than ``MOST``, too.
        """
        # Ours are never escaped, so that the id's bytes are in the value: no other value is worth parsing.
        needle = json.dumps(wanted.event_id, ensure_ascii=False)[1:-1].encode(errors="backslashreplace")

        def pick(message: Message) -> VaultRecord | None:
            record = _record(message) if needle in (message.value or b"") else None
            return record if record is not None and wanted.match(record) else None

        found = self._latest(pick, most=MOST)
        return sorted(found.values(), key=lambda record: record.made_at)

    def data_keys(self, entries: Iterable[VaultRecord]) -> Mapping[UUID, VaultRecord]:
        """The data keys of the entries, wrapped, by id; those that are gone are missing."""
        names = {data_key_name(entry.subject, entry.key_id).encode() for entry in entries}
        found = self._latest(lambda message: _record(message) if message.key in names else None)
        return {record.key_id: record for record in found.values()}

    def names(self, subject: str) -> Sequence[bytes]:
        """The message keys of everything of a subject."""
        prefix = subject_prefix(subject).encode(errors="backslashreplace")  # not UTF-8: nobody's
        return list(self._latest(lambda message: True if (message.key or b"").startswith(prefix) else None))

    def _latest(self, pick: Callable[[Message], T | None], most: int | None = None) -> Mapping[bytes, T]:
        """What ``pick`` makes of the latest message of each key, where there is one and it makes something of it."""
        found: dict[bytes, T] = {}
        of = self._reader.offsets
        for number, message in enumerate(self._reader.read()):
            if number % _TELL_EVERY == 0:
                self._progress(number, of)
            key = message.key or b""
            picked = None if message.value is None else pick(message)
            if picked is not None:
                found[key] = picked
            elif message.value is None:
                found.pop(key, None)
            if most is not None and len(found) > most:
                problem = f"more than {most} entries are kept of such an event: say which app, source or stage"
                raise ConfigError(problem, field="event")
        self._progress(of, of)
        return found


def _record(message: Message) -> VaultRecord | None:
    """The record; None for what somebody else wrote to the topic."""
    try:
        return decode(message, VaultRecord, VAULT.type_name).record
    except UnreadableError:
        return None
