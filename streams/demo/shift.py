"""The second act: traffic shifts, the right alarms fire, people are told, and it ends when it is mended.

A monitor and a notifier of its own watch topics of their own, in logical hours: the act takes seconds and leaves the
installation's alarms as they were. What the guards say of its texts comes from the installation's worker.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from monitors.intervals import Interval, clopper_pearson
from schemas.alert import Alert
from schemas.codec import decode, encode
from schemas.envelope import Envelope, event_type
from schemas.errors import UnavailableError
from schemas.feedback import Opinion
from schemas.topics import (
    ALERTS,
    INTERACTIONS,
    MONITOR_STATE,
    NOTICES,
    OPINIONS,
    POLICIES,
    SILENCES,
    VERDICTS,
    dead_letters,
)
from schemas.verdict import PolicyReference, Position, Verdict
from streams.demo.shift_traffic import (
    BANK,
    CLEAN,
    MENDED,
    NEW_MODEL,
    SEEDS,
    SHIFTED,
    SHOP,
    Kind,
    moment,
    reference,
    traffic,
)
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import confluent_config
from streams.kafka.received import received_message
from streams.kafka.unanswered import unanswered
from streams.notify.book import Book
from streams.notify.standing import read_book
from streams.settings import Settings, child_environment

WITHIN_EVENTS: Final = 80
"""An alarm has so many events of its app, from the shift on, to fire in."""

EXPECTED: Final[Mapping[str, str]] = {SHOP: "WeirResponseToxicity", BANK: "WeirIrrelevance"}
_TOPICS: Final = (VERDICTS, OPINIONS, ALERTS, dead_letters(ALERTS), MONITOR_STATE, NOTICES, SILENCES, POLICIES)
_POLICY: Final = f"""id: demo-shift
version: 1
apps: [{SHOP}, {BANK}]
alarms: {{signals: [response_toxicity, irrelevance, negative_feedback], reference_days: 14}}
"""
_JUDGE_SECONDS: Final = 60.0
_ALARM_SECONDS: Final = 180.0  # seconds on an idle machine, longer on a busy one
_LABELS: Final = (5, 15, 45)


@dataclass(frozen=True, slots=True)
class Page:
    """An alarm that fired: of which app, on which segment, after how many events of it, and who was told of its end."""

    app: str
    alertname: str
    segment: str
    events: int
    resolved: bool
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is known of a share after so many labels: 95% limits that hold whatever it is."""

    labels: int
    bad: int
    limits: Interval


@dataclass(frozen=True, slots=True)
class Shift:
    """The act in figures. ``events`` were told in all; ``labelled`` is of the new model's answers."""

    events: int
    pages: tuple[Page, ...]
    labelled: tuple[Labelled, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the right alarms fired, soon, and nothing else, and each ended and was told."""
        right = {page.app: page.alertname for page in self.pages} == EXPECTED and len(self.pages) == len(EXPECTED)
        return right and all(p.resolved and p.events <= WITHIN_EVENTS and "log" in p.told for p in self.pages)

    def to_json(self) -> dict[str, Any]:
        """As values for JSON."""
        return {**asdict(self), "passed": self.passed}


def play(settings: Settings) -> Shift:
    """The whole act, on a running installation.

    Raises:
        UnavailableError: the worker does not judge its texts, or the broker does not answer.
    """
    start = time.monotonic()
    templates = _judged(settings)
    told = {
        "clean": list(traffic(templates, CLEAN, shifted=False, seed=SEEDS[1])),
        "shifted": list(traffic(templates, SHIFTED, shifted=True, seed=SEEDS[2])),
        "mended": list(traffic(templates, MENDED, shifted=False, seed=SEEDS[3])),
    }
    own = settings.model_copy(update={"namespace": f"{settings.namespace}-act-{uuid4().hex[:8]}"})
    with _topics(own), TemporaryDirectory(prefix="weir-act-") as directory:
        lines = (state.model_dump_json() + "\n" for state in reference(templates))
        with _processes(own, Path(directory), "".join(lines)):
            _praise(own)
            _write(own, [*told["clean"], *told["shifted"]])
            _until(own, lambda book: len(_fired(book)) >= len(EXPECTED))
            _write(own, told["mended"])
            book = _until(own, _is_over)
    pages = tuple(_page(book, alert, told["shifted"]) for alert in _fired(book))
    return Shift(
        sum(map(len, told.values())),
        pages,
        tuple(_labels(told["shifted"], templates["toxic"])),
        time.monotonic() - start,
    )


def _judged(settings: Settings) -> Mapping[Kind, list[Verdict]]:
    """The act's texts as the worker judges them, by kind."""
    with _reader(settings) as reader:
        kinds = _spoken(settings)
        verdicts = _verdicts(reader, set(kinds))
    found: dict[Kind, list[Verdict]] = {}
    # In the order of their ids, so that the act is the same whichever partition was read first.
    for name in sorted(kinds):
        found.setdefault(kinds[name], []).append(verdicts[name])
    return found


def _spoken(settings: Settings) -> Mapping[str, Kind]:
    """The act's texts, sent to the worker: the kind of each, by its id."""
    run, kinds = uuid4().hex[:8], {}
    text = (files("deploy") / "demo" / "shift.jsonl").read_text(encoding="utf-8")
    producer = Producer({**confluent_config(settings), "partitioner": "murmur2_random"})
    for number, line in enumerate(text.splitlines()):
        given = json.loads(line)
        name = f"act-{run}-{number}"
        kinds[name] = given.pop("kind")
        value = json.dumps({"app": "default", "conversation": name, **given})
        headers: list[tuple[str, str | bytes | None]] = [("ce_id", name), ("ce_source", "demo")]
        producer.produce(settings.topics.of(INTERACTIONS), value, name, headers=headers)
    if producer.flush(_JUDGE_SECONDS):
        raise UnavailableError("the act's texts were not delivered")
    return kinds


def _verdicts(reader: Consumer, wanted: set[str]) -> Mapping[str, Verdict]:
    """The first verdict on each of the texts, by its id."""
    found: dict[str, Verdict] = {}
    end = time.monotonic() + _JUDGE_SECONDS
    while found.keys() != wanted:
        if time.monotonic() > end:
            raise UnavailableError("the worker has not judged the act's texts")
        for received in reader.consume(500, timeout=0.2):
            if received.error() is not None:
                continue
            verdict = decode(received_message(received), Verdict, VERDICTS.type_name).record
            if verdict.source_event_id in wanted:
                found.setdefault(verdict.source_event_id, verdict)
    return found


@contextmanager
def _reader(settings: Settings) -> Iterator[Consumer]:
    """A consumer at the present end of the verdicts."""
    config = {**confluent_config(settings), "group.id": f"{settings.namespace}.reader", "enable.auto.commit": False}
    consumer = Consumer({**config, "isolation.level": "read_committed"})
    try:
        places = [TopicPartition(settings.topics.of(VERDICTS), n) for n in range(VERDICTS.partitions)]
        ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
        consumer.assign([TopicPartition(p.topic, p.partition, at) for p, at in zip(places, ends, strict=True)])
        yield consumer
    except KafkaException as error:
        raise unanswered(error) from None
    finally:
        consumer.close()


@contextmanager
def _topics(settings: Settings) -> Iterator[None]:
    """The act's own topics and groups, gone afterwards."""
    # One partition each: every message is read in the order in which the act tells it.
    names = {settings.topics.of(topic): replace(topic, partitions=1) for topic in _TOPICS}
    with KafkaAdmin(settings) as admin:
        admin.create(names, settings.kafka_replication)
        admin.wait(names)
    try:
        yield
    finally:
        with suppress(KafkaException):  # what stays is in nobody's way
            admin_client = AdminClient(confluent_config(settings))
            groups = [f"{settings.namespace}.{name}" for name in ("monitor", "notify")]
            deleted = {**admin_client.delete_topics(list(names)), **admin_client.delete_consumer_groups(groups)}
            for done in deleted.values():
                done.result(10)


@contextmanager
def _processes(settings: Settings, directory: Path, series: str) -> Iterator[None]:
    """The act's monitor and notifier, ended with it."""
    policy, past = directory / "policy.yaml", directory / "reference.jsonl"
    policy.write_text(_POLICY)
    past.write_text(series)
    environment = child_environment(
        home=str(directory),
        kafka_bootstrap=settings.kafka_bootstrap or "",
        namespace=settings.namespace,
        policies=str(policy),
        monitor_clock="event",
        monitor_lateness_seconds="0",
        monitor_reference=str(past),
        notify_group_seconds="0",
        metrics_port="0",
        log_format="json",
    )
    running = []
    with (directory / "act.log").open("wb") as log:
        for name in ("monitor", "notify"):
            command = [sys.executable, "-m", "streams.cli", name]
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        try:
            yield
        finally:
            _end(running)


def _end(running: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _praise(settings: Settings) -> None:
    """One kind word after everything else: feedback that has yet to come would hold every hour open."""
    at = moment(MENDED.stop)
    where = Position(topic="feedback", topic_id="act", partition=0, offset=0, time=at)
    about = {"about": "request", "about_source": "demo", "about_id": "last", "thumb": "up", "sentiment": "positive"}
    policy = PolicyReference(id="demo-shift", version=1, hash="act")
    own = {"feedback_id": uuid4(), "source": "demo", "source_event_id": "last", "event_time": at, "position": where}
    opinion = Opinion.model_validate({"app": SHOP, "conversation": "last", "policy": policy, **about, **own})
    envelope = Envelope(id=str(opinion.feedback_id), source="demo", type=event_type(OPINIONS.type_name), time=at)
    made = encode(opinion, envelope, "last")
    producer = Producer(confluent_config(settings))
    producer.produce(settings.topics.of(OPINIONS), made.value, made.key, headers=list(made.headers))
    producer.flush(_JUDGE_SECONDS)


def _write(settings: Settings, verdicts: Iterable[Verdict]) -> None:
    producer = Producer({**confluent_config(settings), "partitioner": "murmur2_random", "linger.ms": 20})
    for each in verdicts:
        own = Envelope(id=str(each.verdict_id), source="demo", type=event_type(VERDICTS.type_name), time=each.judged_at)
        made = encode(each, own, each.conversation_id)
        producer.produce(settings.topics.of(VERDICTS), made.value, made.key, headers=list(made.headers))
    if producer.flush(_JUDGE_SECONDS):
        raise UnavailableError("the act's verdicts were not delivered")


def _until(settings: Settings, enough: Any) -> Book:  # noqa: ANN401 - a predicate of a book
    """The book once it is as it should be, or when the time is over: then the report says what is missing."""
    end = time.monotonic() + _ALARM_SECONDS
    while True:
        book = read_book(settings)
        if enough(book) or time.monotonic() > end:
            return book
        time.sleep(0.5)


def _fired(book: Book) -> list[Alert]:
    return sorted((k.alert for k in book.alerts if k.alert.fired_at is not None), key=lambda alert: alert.app)


def _is_over(book: Book) -> bool:
    fired = _fired(book)
    return len(fired) >= len(EXPECTED) and all(alert.state == "resolved" and _told(book, alert) for alert in fired)


def _told(book: Book, alert: Alert) -> tuple[str, ...]:
    """Who knows that it is over."""
    return tuple(n.target for n in book.notices(alert.fingerprint) if n.state == alert.state == "resolved")


def _page(book: Book, alert: Alert, shifted: Iterable[Verdict]) -> Page:
    fired = alert.fired_at or datetime.max.replace(tzinfo=UTC)
    before = sum(each.app == alert.app and each.event_time < fired for each in shifted)
    segment = f"model {alert.model}" if alert.model else f"language {alert.language}" if alert.language else "none"
    return Page(alert.app, alert.alertname, segment, before, alert.state == "resolved", _told(book, alert))


def _labels(shifted: Iterable[Verdict], toxic: Iterable[Verdict]) -> Iterator[Labelled]:
    """What labels say of the new model's answers, the more the narrower. The script says which texts are toxic."""
    bad_texts = {each.judgement.response.text for each in toxic if each.judgement.response}
    answers = (each for each in shifted if each.app == SHOP and each.model == NEW_MODEL)
    marks = [each.judgement.response.text in bad_texts for each in answers if each.judgement.response]
    for labels in _LABELS:
        seen = marks[:labels]
        yield Labelled(len(seen), sum(seen), clopper_pearson(sum(seen), len(seen)))
