"""The demo's client against a real broker, its traffic through the stages, and the report by the real engine."""

import json
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from rich.cells import cell_len
from rich.console import Console

from guards.guard import Reading, Score, Side
from guards.pii import PiiGuard
from guards.pipeline import Pipeline
from guards.secrets import SecretsGuard
from monitors.sampling import Sampler
from schemas.codec import Message, decode, encode
from schemas.errors import UnavailableError
from schemas.policy import PolicyBook
from schemas.topics import COMPLETIONS, INTERACTIONS, OUTCOMES, REQUESTS, TOPICS, WORK_INTERACTIVE, Namespace
from schemas.work import Completion, Usage, Work
from streams.demo.delivered import OffsetRun
from streams.demo.live import LiveView
from streams.demo.rendering import Place, render
from streams.demo.summary import read_summary, to_json
from streams.demo.traffic import Traffic, TrafficPlan
from streams.judging.surroundings import Surroundings
from streams.local.ports import choose_port
from streams.metrics import Metrics
from streams.policies.assignment import FixedPolicies
from streams.policies.files import shipped_policy
from streams.settings import Settings
from streams.settle.publishing import Scribe
from streams.settle.settlements import Origin
from streams.settle.state import Settler, Terms
from streams.settle.step import Step
from streams.store.batches import Limits, plan
from streams.store.client import Store
from streams.store.deposit import Deposit
from streams.store.migrations import migrate
from streams.store.shelves import shelves
from streams.worker import judging_stages
from tests.fixtures.demo_client import lines, malformed_that_end_in
from tests.fixtures.guards import CountingEncoder
from tests.fixtures.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.kafka, pytest.mark.store]
CORPUS = lines()


class Word:
    """Stands in for a model: one score where the passage holds the word, another elsewhere."""

    version = "word@1"

    def __init__(self, name, word, sides, found=0.99, otherwise=0.01):
        self.name, self.labels, self.lower_is_worse = name, (name,), found < otherwise
        self._word, self._sides, self._found, self._otherwise = word, sides, found, otherwise

    def applies(self, passage):
        return passage.side in self._sides

    def needs(self, passage):
        return ()

    def read(self, passages, features):
        return [
            Reading({self.name: Score(self._found if self._word in each.text else self._otherwise)})
            for each in passages
        ]


def pipeline():
    """Real guards for personal data and secrets; words stand in for the models, which the report knows nothing of."""
    guards = [
        PiiGuard(),
        SecretsGuard(),
        Word("toxicity", "idiot", {Side.PROMPT, Side.RESPONSE}),
        Word("injection", "instructions", {Side.PROMPT, Side.CONTEXT}),
        Word("relevance", "Saturn", {Side.RESPONSE}, found=0.02, otherwise=0.8),
    ]
    for guard in guards[:2]:
        guard.load()
    return Pipeline(guards, CountingEncoder())


class Run:
    """One run of the demo: what was delivered, what the topics hold, and the store."""

    def __init__(self, bootstrap, store):
        self.bootstrap, self.store = bootstrap, store
        self.namespace = Namespace(f"t{uuid.uuid4().hex[:12]}")
        self.topics = [self.namespace.of(INTERACTIONS), self.namespace.of(REQUESTS)]
        self.delivered = None
        self.messages = []

    def plan(self, **changes):
        return replace(TrafficPlan(self.bootstrap, *self.topics), **changes)

    def send(self):
        with Traffic(self.plan()) as traffic:
            self.delivered = traffic.result()
        self.messages = list(self._read())

    def _read(self):
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "demo-test", "log_level": 0})
        runs = self.delivered.offsets
        consumer.assign([TopicPartition(run.topic, run.partition, OFFSET_BEGINNING) for run in runs])
        for _ in range(self.delivered.total):
            raw = consumer.poll(PATIENCE_SECONDS)
            assert raw is not None
            assert raw.error() is None
            at = datetime.fromtimestamp(raw.timestamp()[1] / 1000, UTC)
            yield Message(
                raw.topic(), raw.partition(), raw.offset(), at, raw.key(), raw.value(), tuple(raw.headers() or ())
            )
        consumer.close()

    def judge(self):
        """Every message through its stages, a model that says one sentence, and settle; what is stored is deposited."""
        policies = FixedPolicies(PolicyBook([shipped_policy()]))
        loaded = pipeline()
        given = Surroundings(
            namespace=self.namespace,
            policies=policies,
            sampler=Sampler(b"k", "review"),
            metrics=Metrics(),
            load_pipeline=lambda: loaded,
            topic_id=lambda name: f"id-of-{name}",
        )
        stages = judging_stages(given)
        published = [each for name in ("observe", "screen") for each in self._through(stages[name], self.messages)]
        published += self._through(stages["judge"], self._completions(published))
        published += self._settled(policies, published)
        self.deposit([each for each in published if each.topic in shelves(self.namespace)])

    def _through(self, stage, messages):
        stage.load()
        mine = [message for message in messages if message.topic == self.namespace.of(stage.topic)]
        for start in range(0, len(mine), 32):
            yield from (each for caused in stage.process(mine[start : start + 32]) for each in caused)

    def _completions(self, published):
        """What a model makes of the work: the same sentence each time."""
        work = self.namespace.of(WORK_INTERACTIVE)
        for message in self._as_messages([each for each in published if each.topic == work]):
            event = decode(message, Work, "work")
            usage = Usage(prompt_tokens=20, completion_tokens=9)
            completion = Completion(
                work=event.record, text="Nine words are as good as any answer.", model="m", usage=usage
            )
            envelope = event.envelope.model_copy(update={"type": "weir.completion.v1"})
            out = encode(completion, envelope, event.conversation)
            yield replace(message, topic=self.namespace.of(COMPLETIONS), value=out.value, headers=tuple(out.headers))

    def _settled(self, policies, published):
        """What settle makes of the requests and of what the stages answer."""
        requests, outcomes = self.namespace.of(REQUESTS), self.namespace.of(OUTCOMES)
        terms = Terms(Origin(requests, f"id-of-{requests}"), policies, None, 3_600_000)
        step = Step(Settler(terms), self.namespace, policies)
        inputs = [each for each in self.messages if each.topic == requests]
        inputs += self._as_messages([each for each in published if each.topic == outcomes])
        now = datetime.now(UTC)
        found = step.process(inputs, round(now.timestamp() * 1000), 10_000)
        return Scribe(self.namespace).publications(found, now)

    def _as_messages(self, publications, first=0):
        now = datetime.now(UTC)
        return [
            Message(each.topic, 0, offset, now, each.message.key, each.message.value, tuple(each.message.headers))
            for offset, each in enumerate(publications, start=first)
        ]

    def deposit(self, published, first=0):
        self.published = published
        ids = {self.namespace.of(topic): f"id-of-{self.namespace.of(topic)}" for topic in TOPICS}
        store = Deposit(self.store, shelves(self.namespace), ids, lambda _: pytest.fail("refused"), Metrics())
        for batch in plan(self._as_messages(published, first), Limits()):
            store.store(batch)

    def stage(self, name):
        """How many verdicts of this stage are stored."""
        return self.store.select("SELECT count() AS n FROM v_verdicts WHERE stage = {name:String}", name=name)[0]["n"]

    def summary(self):
        return read_summary(self.store, self.delivered)


@pytest.fixture(scope="module")
def run(bootstrap, clickhouse_url):
    """One whole run, for every test to look at."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    settings = Settings(clickhouse_url=clickhouse_url, database=f"t{uuid.uuid4().hex[:12]}")
    migrate(settings)
    with Store.of(settings) as store:
        run = Run(bootstrap, store)
        config = INTERACTIONS.config
        new = [NewTopic(name, num_partitions=2, replication_factor=1, config=config) for name in run.topics]
        for done in admin.create_topics(new, operation_timeout=60).values():
            done.result(60)
        run.send()
        run.judge()
        yield run
        for done in admin.delete_topics(run.topics, operation_timeout=60).values():
            done.result(60)
        store.command(f"DROP DATABASE {settings.database} SYNC")


def test_everything_in_the_corpus_is_delivered_and_placed(run):
    """The client's counts are those of the files, and its offsets are exactly where the messages stand."""
    assert run.delivered.total == len(CORPUS)
    assert run.delivered.kinds == Counter(line["kind"] for line in CORPUS)
    assert run.delivered.requests == sum(line.get("to") == "requests" for line in CORPUS)
    stand = {(message.topic, message.partition, message.offset) for message in run.messages}
    told = {(r.topic, r.partition, offset) for r in run.delivered.offsets for offset in range(r.first, r.last + 1)}
    assert stand == told


def test_the_summary_adds_up(run):
    """Every event ended in a verdict, a dead letter or as a repeat; nothing is missing and nothing ended twice."""
    summary = run.summary()
    assert summary.whole
    assert summary.dead_letters == len(malformed_that_end_in("dead_letter"))
    verdicts = summary.verdicts - run.stage("judge") - run.stage("settle")
    repeats = 3  # one interaction and two requests come twice under their ids
    assert verdicts + summary.dead_letters + repeats == summary.interactions + summary.requests
    assert run.stage("settle") == 1  # two requests have one id and different bodies
    assert sum(summary.actions.values()) == summary.verdicts
    assert summary.guards["pii"] >= 25
    verdicts_of = {f"verdict of {stage}" for stage in ("observe", "screen", "judge")}
    assert set(summary.latencies) == verdicts_of | {"reply by the model", "reply without it"}
    assert all(0 < latency.p50_ms <= latency.p99_ms for latency in summary.latencies.values())
    assert summary.seconds > 0
    expected = Counter(line["code"] for line in CORPUS if "code" in line)
    assert {code: summary.codes.get(code) for code in expected} == expected
    assert {"UNKNOWN_APP", "TOO_LONG", "BLOCKED", "ID_CONFLICT"} <= summary.codes.keys()


def test_the_examples_differ_in_kind_and_are_masked(run):
    """Five verdicts are shown, each with another worst finding, and the address in one of them is masked."""
    examples = run.summary().examples
    assert [example.kind for example in examples] == ["clean", "pii", "injection", "toxicity", "unfounded"]
    assert {example.kind: str(example.action) for example in examples}["pii"] == "redact"
    shown = "".join(example.prompt + example.response for example in examples)
    assert "<" in shown
    assert "@" not in shown


def test_one_request_is_told_from_its_arrival_to_its_reply(run):
    """The story has every stage in order, of a redacted request, and shows no address."""
    story = run.summary().story
    assert [step.stage for step in story] == ["requests", "screen", "infer", "judge", "settle"]
    assert "redact" in story[1].what
    assert [step.after_ms for step in story] == sorted(step.after_ms for step in story)
    assert "@" not in "".join(step.text for step in story)


def test_storing_everything_twice_changes_no_figure(run):
    """A second copy of every row, from later offsets of the verdicts, leaves the summary as it is."""
    before = to_json(run.summary())
    run.deposit(run.published, first=10_000)
    assert to_json(run.summary()) == before


def test_what_did_not_end_is_missing(run):
    """Offsets without a verdict or a dead letter count as missing, and the report says so."""
    more = OffsetRun(run.topics[0], 0, 10_000, 10_002)
    delivered = replace(
        run.delivered, interactions=run.delivered.interactions + 3, offsets=(*run.delivered.offsets, more)
    )
    summary = read_summary(run.store, delivered)
    assert summary.missing == 3
    assert not summary.whole


def test_the_report_is_json_and_text(run):
    """The summary is plain JSON with integer counts, and its rendering fits 100 columns and holds no address."""
    summary = run.summary()
    values = json.loads(json.dumps(to_json(summary)))
    counts = ("interactions", "requests", "verdicts", "dead_letters", "missing", "duplicates")
    assert all(type(values[name]) is int for name in counts)
    assert values["actions"].keys() == {"allow", "flag", "redact", "hold", "block"}
    out = StringIO()
    render(summary, Console(file=out, width=100, force_terminal=False), [Place("queries", "http://127.0.0.1:8123")])
    assert max(map(cell_len, out.getvalue().splitlines())) <= 100
    assert "@" not in out.getvalue()
    assert "0 missing" in out.getvalue()


def test_the_live_view_reads_the_store(run):
    """The view returns once everything that was delivered has ended, with the tally."""
    out = StringIO()

    class Ended:
        expected, latest, running = run.delivered.total, run.delivered, False

    tally = LiveView(Console(file=out, width=100)).follow(Ended(), run.store, deadline_s=PATIENCE_SECONDS)
    assert tally.inputs == run.delivered.total
    assert f"done {tally.inputs}" in out.getvalue()


def test_a_rate_is_kept(run, tmp_path):
    """Thirty messages at sixty a second take half a second at least."""
    few = tmp_path / "few.jsonl"
    body = {"app": "default", "prompt": "One of thirty"}
    few.write_text("".join(json.dumps({"kind": "clean", "body": body}) + "\n" for _ in range(30)))
    start = time.monotonic()
    with Traffic(run.plan(files=(few,), rate=60.0)) as traffic:
        assert traffic.expected == 30
        assert traffic.result().interactions == 30
    assert time.monotonic() - start > 29 / 60


def test_a_broker_that_is_not_there_is_one_clear_error(run):
    """Without a broker the traffic ends in an error that names the reason."""
    with Traffic(run.plan(bootstrap=f"127.0.0.1:{choose_port()}")) as traffic, pytest.raises(UnavailableError) as e:
        traffic.result()
    assert "not delivered" in str(e.value)


def test_traffic_can_be_stopped_in_the_middle(run):
    """Leaving the context ends the client at once, and stopping again does nothing."""
    with Traffic(run.plan(rate=0.5)) as traffic:
        assert traffic.running
    traffic.stop()
    assert not traffic.running
    with pytest.raises(UnavailableError):
        traffic.result()
