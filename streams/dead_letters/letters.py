"""Dead letters: which there are and why, and one of them. What they hold is shown through a mask alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.codec import Message
from schemas.dead_letter import Reason, read_reason
from schemas.errors import ConfigError
from schemas.topics import DEAD_LETTER_SUFFIX, DEAD_LETTERS
from streams.kafka.place import Place
from streams.kafka.topic_reader import TopicReader
from streams.masking.body import Mask, masked_body
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters; None means any.

    ``topic`` is that of the original messages, with or without namespace; ``since`` and, exclusive, ``until`` are when
    they died.
    """

    topic: str | None = None
    code: str | None = None
    stage: str | None = None
    app: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def match(self, letter: Message) -> bool:
        """Whether this dead letter is meant. Of what is no JSON nobody knows the app: it matches none."""
        reason = read_reason(letter.headers)
        return (
            self.code in {None, reason.code}
            and self.stage in {None, reason.stage}
            and (self.since is None or letter.timestamp >= self.since)
            and (self.until is None or letter.timestamp < self.until)
            and (self.app is None or body_of(letter.value).get("app") == self.app)
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where a dead letter stands, since when, how large it is, and why it is one. Nothing of what it holds."""

    topic: str
    partition: int
    offset: int
    time: datetime
    size: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One dead letter in full. ``headers`` are names and sizes; ``body`` is its value as the mask left it."""

    letter: DeadLetter
    headers: Mapping[str, int]
    key_size: int
    body: object = field(repr=False)


def list_dead_letters(settings: Settings, filters: Filters) -> Iterator[DeadLetter]:
    """The dead letters that are there when the listing begins, in the order of their topics, oldest first.

    Raises:
        UnavailableError: the broker does not answer.
        ConfigError: there is no such topic.
    """
    with TopicReader(settings, dead_letter_topics(settings, filters)) as reader:
        for message in reader.read():
            if filters.match(message):
                yield _letter(message)


def show_dead_letter(settings: Settings, place: Place, offset: int, mask: Mask) -> Exhibit:
    """The dead letter at a place, its JSON value through the mask; what is no JSON shows as its size only.

    Raises:
        UnavailableError: the broker does not answer.
        ConfigError: there is no such topic, or no message at that place.
    """
    name = dead_letter_topics(settings, Filters(topic=place.topic))[0]
    with TopicReader(settings, (name,)) as reader:
        message = reader.at(Place(name, place.partition), offset)
    if message is None:
        raise ConfigError("there is no dead letter at this place", field=f"{name}:{place.partition}:{offset}")
    return Exhibit(
        letter=_letter(message),
        headers={header: len(value or b"") for header, value in message.headers},
        key_size=len(message.key or b""),
        body=masked_body(message.value, mask),
    )


def dead_letter_topics(settings: Settings, filters: Filters) -> tuple[str, ...]:
    """The names of the dead-letter topics that are meant.

    Raises:
        ConfigError: there is no such topic.
    """
    if filters.topic is None:
        return tuple(settings.topics.of(topic) for topic in DEAD_LETTERS)
    topic = settings.topics.find(filters.topic.removesuffix(DEAD_LETTER_SUFFIX))
    if topic is None:
        raise ConfigError("there is no such topic", field="topic")
    return (settings.topics.dead_letters_of(topic),)


def body_of(value: bytes | None) -> Mapping[str, object]:
    """A body as far as it can be read; a request's, where it is inside some work; nothing of what is no object."""
    try:
        body = json.loads(value or b"")
    except (ValueError, RecursionError):
        return {}
    for name in ("work", "request", "data"):
        body = body.get(name, body) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def _letter(message: Message) -> DeadLetter:
    return DeadLetter(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        time=message.timestamp,
        size=len(message.value or b""),
        reason=read_reason(message.headers),
    )
