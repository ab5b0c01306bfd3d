"""Dead letters to their topics again, byte for byte."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schemas.codec import ORIGIN_HEADER, Headers, Message
from schemas.dead_letter import Reason, read_reason, replay_headers
from schemas.ids import position_id
from schemas.topics import DEAD_LETTER_SUFFIX, SOURCES
from streams.dead_letters.letters import Filters, body_of, dead_letter_topics
from streams.dead_letters.replay_producer import ReplayProducer
from streams.erasure.erasures import Forgets
from streams.erasure.known import known_erasures
from streams.kafka.topic_reader import TopicReader
from streams.settings import Settings

MOST_REPLAYS: Final = 3

Skip = Literal["superseded", "forgotten", "replayed too often", "no topic of ours"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay. ``per_second`` spares the stages; a message already replayed ``most_replays`` times stays."""

    dry_run: bool = False
    per_second: float = 100.0
    most_replays: int = MOST_REPLAYS


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did, or would do: how many went to which topic, and how many did not and why."""

    dry_run: bool
    sent: Mapping[str, int]
    skipped: Mapping[Skip, int]


def replay_dead_letters(
    settings: Settings,
    filters: Filters,
    options: ReplayOptions,
    sleep: Callable[[float], None] = time.sleep,
) -> Replay:
    """Send dead letters to the topics that they come from, each with its key, value and headers as it came.

    The first position goes along, so that an event without an id of its own keeps the one that it was given. Where
    a message has died several times, only its latest dead letter is sent. Replaying twice sends twice, which the
    store counts once.

    Raises:
        UnavailableError: the broker does not answer; some may have been sent.
        ConfigError: there is no such topic.
    """
    names = dead_letter_topics(settings, filters)
    with TopicReader(settings, names) as reader:
        latest = _latest(reader)
    sent: Counter[str] = Counter()
    skipped: Counter[Skip] = Counter()
    forgets = known_erasures(settings)
    ours = {settings.topics.of(topic) for topic in SOURCES}
    # What is read here lies before the replay's own consequences: the reader stops where the topics end now.
    with TopicReader(settings, names) as reader, ReplayProducer(settings, options.per_second, sleep) as producer:
        for message in reader.read():
            if not filters.match(message):
                continue
            reason = read_reason(message.headers)
            skip = _skip(message, reason, latest, ours, options.most_replays)
            if _is_forgotten(message, forgets):
                skip = "forgotten"
            if skip is not None:
                skipped[skip] += 1
                continue
            if not options.dry_run:
                producer.send(reason.topic, message.key, message.value, replay_headers(message.headers))
            sent[reason.topic] += 1
    return Replay(options.dry_run, dict(sent), dict(skipped))


def _is_forgotten(message: Message, forgets: Forgets) -> bool:
    """Whether it is a forgotten subject's, as far as what could not be read can be."""
    body = body_of(message.value)
    key = (message.key or b"").decode("utf-8", "replace")
    app, user, conversation = (body.get(name) for name in ("app", "user", "conversation"))
    return isinstance(app, str) and forgets.covers(
        app, user if isinstance(user, str) else None, conversation if isinstance(conversation, str) else key,
        message.timestamp,
    )  # fmt: skip


def _latest(reader: TopicReader) -> Mapping[str, int]:
    """How often the latest dead letter of each message has been replayed, by the message's first position.

    Of all of them: one that died anew for another reason is not what a filter by the first one means.
    """
    latest: dict[str, int] = {}
    for message in reader.read():
        reason = read_reason(message.headers)
        origin = _origin(message.headers, reason)
        latest[origin] = max(latest.get(origin, 0), reason.replays)
    return latest


def _skip(
    message: Message, reason: Reason, latest: Mapping[str, int], ours: set[str], most_replays: int
) -> Skip | None:
    if reason.topic not in ours or reason.topic + DEAD_LETTER_SUFFIX != message.topic:
        return "no topic of ours"
    if reason.replays < latest.get(_origin(message.headers, reason), 0):
        return "superseded"
    return "replayed too often" if reason.replays >= most_replays else None


def _origin(headers: Headers, reason: Reason) -> str:
    found = next((value for name, value in headers if name == ORIGIN_HEADER and value), None)
    return found.decode("utf-8", "replace") if found else position_id(reason.topic, reason.partition, reason.offset)
