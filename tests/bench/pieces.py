"""What the chunk guard adds to each token of a streamed answer: the wait for what stands behind it, and its own time.

The real guards of the default policy, drafts at a stated pace, no broker: time is the model's, and the guard's own
part of it the processor's, so that a busy machine changes little.
"""

import time
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from uuid import uuid4

from guards.piecewise import LOOK_AHEAD
from schemas.codec import Message, decode, encode
from schemas.conversation import Message as Turn
from schemas.conversation import Parameters, Request
from schemas.envelope import Envelope, event_type
from schemas.policy import PolicyBook
from schemas.stream import Chunk, Draft
from schemas.topics import DRAFTS, TOKENS
from schemas.verdict import PolicyReference, Position
from schemas.work import Completion, Work
from streams.judging.loading import load_pipeline
from streams.metrics import Metrics
from streams.policies.assignment import FixedPolicies
from streams.policies.files import read_policies
from streams.settings import Settings, load_settings
from streams.stage import Stage
from streams.worker import judging_stages, surroundings_of
from tests.bench.figure import Figure
from tests.bench.texts import texts

_STREAMS = 5
_WORDS = 100
_PACE = 0.05  # seconds a word
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def piece_figures() -> list[Figure]:
    """the chunk guard, token by token"""
    settings = load_settings()
    stage = _stage(settings)
    _delays(stage, settings, texts(1, 20, 77)[0])  # what is made on first use
    delays: list[float] = []
    own = words = characters = 0.0
    for number in range(_STREAMS):
        text = texts(1, _WORDS, 500 + number)[0]
        found, seconds = _delays(stage, settings, text)
        delays, own, words = delays + found, own + seconds, words + len(text.split())
        characters += len(text) + 1
    cuts = quantiles(delays, n=100, method="inclusive")
    return [
        Figure("chunk guard: from a word to its release, p50", 1000 * cuts[49], "ms"),
        Figure("chunk guard: from a word to its release, p99", 1000 * cuts[98], "ms"),
        Figure("chunk guard: of it the look-ahead", 1000 * _PACE * LOOK_AHEAD * words / characters, "ms"),
        Figure("chunk guard: its own time", 1000 * own / words, "CPU ms a word"),
    ]


def _stage(settings: Settings) -> Stage:
    metrics, book = Metrics(), read_policies(settings.policies)
    pipeline = load_pipeline(settings, book.policies, metrics)
    given = surroundings_of(settings, metrics, FixedPolicies(PolicyBook(book.policies)), lambda: pipeline)
    stage = judging_stages(given)["stream"]
    stage.load()
    return stage


def _delays(stage: Stage, settings: Settings, text: str) -> tuple[list[float], float]:
    """Seconds from each word's draft to the chunk that has its end, at the model's pace; and the guard's own time.

    A draft that comes while the one before is judged waits for it.
    """
    words, name, attempt = text.split(), str(uuid4()), uuid4()
    made = [word if number == 0 else f" {word}" for number, word in enumerate(words)]
    ends, place = [], 0
    for piece in made:
        place += len(piece)
        ends.append(place)
    released, free, own = 0, 0.0, 0.0
    delays: list[float] = []
    for number, piece in enumerate(made):
        at = number * _PACE
        last = number == len(made) - 1
        draft = Draft(
            attempt=attempt,
            seq=number,
            text=piece,
            work=_work(name) if number == 0 else None,
            completion=Completion(work=_work(name), text="".join(made), finish_reason="stop") if last else None,
        )
        start = time.process_time()
        (publications,) = stage.process([_message(settings, draft, name, number)])
        took = time.process_time() - start
        own += took
        free = max(free, at) + took
        for publication in publications:
            if publication.topic == settings.topics.of(TOKENS):
                out = publication.message
                read = Message(publication.topic, 0, 0, _NOON, out.key, out.value, out.headers)
                chunk = decode(read, Chunk, TOKENS.type_name)
                released += len(chunk.record.text)
        while len(delays) < len(ends) and ends[len(delays)] <= released:
            delays.append(free - len(delays) * _PACE)
    assert len(delays) == len(ends), "not all of it was released"
    return delays, own


def _work(name: str) -> Work:
    parameters = Parameters(stream=True)
    return Work(
        request=Request(app="default", messages=(Turn(role="user", content="Write."),), parameters=parameters),
        conversation=name,
        position=Position(topic="requests", topic_id="t", partition=0, offset=0, time=_NOON),
        digest="d",
        deadline=_NOON + timedelta(days=1),
        policy=PolicyReference(id="public-chatbot", version=1, hash="h"),
    )


def _message(settings: Settings, draft: Draft, name: str, number: int) -> Message:
    made = encode(draft, Envelope(id=name, source="bench", type=event_type(DRAFTS.type_name), time=_NOON), name)
    return Message(settings.topics.of(DRAFTS), 0, number, _NOON, made.key, made.value, made.headers)
