"""Dead letters: which there are and why, and one of them. What they hold is shown through a mask alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.codec import Message
from schemas.dead_letter import Reason, read_reason
from schemas.errors import ConfigError
from schemas.topics import DEAD_LETTER_SUFFIX, DEAD_LETTERS
from streams.kafka_admin import Place
from streams.masked_body import Mask, masked_body
from streams.settings import Settings
from streams.topic_reader import TopicReader


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters; None means any. ``topic`` is that of the original messages, with or without namespace."""

    topic: str | None = None
    code: str | None = None
    stage: str | None = None

    def match(self, reason: Reason) -> bool:
        """Whether a dead letter with this reason is meant."""
        return self.code in {None, reason.code} and self.stage in {None, reason.stage}


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
            letter = _letter(message)
            if filters.match(letter.reason):
                yield letter


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


def _letter(message: Message) -> DeadLetter:
    return DeadLetter(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        time=message.timestamp,
        size=len(message.value or b""),
        reason=read_reason(message.headers),
    )
