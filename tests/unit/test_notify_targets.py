"""The targets: what they are sent, how they fail, and how a courier deals with that."""

import base64
import hmac
import json
import threading
from datetime import timedelta
from hashlib import sha256

import pytest

from schemas.errors import ConfigError, UnavailableError
from schemas.notification import Notification
from streams.metrics import Metrics
from streams.notify.alertmanager import labels, posted
from streams.notify.annotations import Annotations
from streams.notify.book import Book
from streams.notify.choice import choose_targets
from streams.notify.courier import Courier, Surroundings
from streams.notify.due import Terms
from streams.notify.target import RefusedError
from streams.notify.webhook import Webhook, secret_bytes
from streams.notify.wording import description
from streams.settings import Settings
from tests.fixtures.alerts import FINGERPRINT, NOON, Receiver, alert, resolved


def notification(*alerts, state="firing"):
    fields = {"notification_id": "00000000-0000-0000-0000-000000000001", "why": "change", "state": state, "app": "shop"}
    return Notification(**fields, alerts=alerts or (alert(),), sent_at=NOON)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_a_webhook_can_be_verified(receiver):
    """Who has the secret can tell that the body, its id and its time are ours; the body is the documented record."""
    Webhook(receiver.url, b"k" * 16, lambda: NOON).deliver(notification())
    ((_, headers, body, _),) = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 16, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["webhook-id"] == "00000000-0000-0000-0000-000000000001"
    assert receiver.notifications == [notification()]
    assert json.loads(body)["alerts"][0]["parts"][0]["segment"] == "atlas-8"


def test_standard_webhooks_own_example():
    """The secret's form is the standard's."""
    assert secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "X") == base64.b64decode(
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RefusedError), (413, RefusedError), (422, RefusedError), (401, UnavailableError), (404, UnavailableError),
     (408, UnavailableError), (429, UnavailableError), (500, UnavailableError), (302, UnavailableError)],
)  # fmt: skip
def test_what_a_webhook_answers(receiver, status, error):
    """What is said of the content is final; everything else may be mended, and is tried again."""
    receiver.status = status
    with pytest.raises(error, match=str(status)) as caught:
        Webhook(f"{receiver.url}/hook?token=canary-4711", None).deliver(notification())
    assert "canary" not in str(caught.value)


def test_a_webhook_that_is_not_there():
    """The address, which may hold a key, is in no error."""
    with pytest.raises(UnavailableError, match="ConnectError") as caught:
        Webhook("http://127.0.0.1:9/canary-4711", None).deliver(notification())
    assert "canary" not in str(caught.value)


def test_an_alert_for_alertmanager():
    """Labels name it, annotations explain it; the traffic's times are kept out of the future."""
    made = posted(alert(), NOON + timedelta(hours=1))
    assert made["labels"] == {
        "alertname": "WeirResponseToxicity", "severity": "critical", "app": "shop", "series": "response_toxicity",
        "guard": "toxicity", "model": "atlas-8", "fingerprint": FINGERPRINT,
    }  # fmt: skip
    assert made["annotations"]["runbook_url"].endswith("#weirresponsetoxicity")
    assert made["startsAt"] == NOON.isoformat()
    assert made["endsAt"] == (NOON + timedelta(hours=1, minutes=5)).isoformat()
    ahead = posted(resolved(), NOON - timedelta(days=1))
    assert ahead["startsAt"] < ahead["endsAt"] == (NOON - timedelta(days=1)).isoformat()
    assert dict(labels(alert(model=None))).keys() == made["labels"].keys() - {"model"}


def test_an_alert_in_sentences():
    """Numbers, segments and the promise are told; nothing else is in it."""
    assert description(alert(also=("latency",))).splitlines() == [
        "response_toxicity is 0.200, 0.010 was expected.",
        "It began at 2026-11-23 12:00 UTC, between 2026-11-23 10:00 UTC and 2026-11-23 13:00 UTC.",
        "model atlas-8: +0.180 of it (90 events).",
        "With it moved latency.",
        "At most 1 false pages are expected in 90 days over 20 series.",
    ]


class Grafana:
    """Grafana's annotations, as its documentation has them."""

    def __init__(self):
        self.stored = {}

    @property
    def annotations(self):
        return self

    def get_annotation(self, tags, limit):
        found = [{"id": n, **a} for n, a in self.stored.items() if set(tags) <= set(a["tags"])]
        return found[:limit]

    def add_annotation(self, **fields):
        self.stored[len(self.stored) + 1] = fields

    def partial_update_annotation(self, annotations_id, **fields):
        self.stored[annotations_id] = fields


def test_an_annotation_is_one_region_an_alert():
    """Told twice, and told of the end, it is the same annotation; a new beginning is another one."""
    grafana = Grafana()
    target = Annotations(grafana)
    for each in (alert(), alert(), resolved(), alert(starts_at=NOON + timedelta(days=1))):
        target.deliver(notification(each))
    first, second = grafana.stored.values()
    assert (first["time_from"], first["time_to"]) == (NOON.timestamp() * 1000, (NOON.timestamp() + 3 * 3600) * 1000)
    assert second["time_from"] == (NOON.timestamp() + 86_400) * 1000
    assert {"weir", "shop", "critical"} <= set(first["tags"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"notify_webhook": "ftp://canary-4711"}, "WEIR_NOTIFY_WEBHOOK"),
        ({"notify_webhook": "http://x/", "notify_webhook_secret": "canary-4711"}, "WEIR_NOTIFY_WEBHOOK_SECRET"),
        ({"notify_webhook": "http://x/", "notify_webhook_secret": "whsec_canary!"}, "WEIR_NOTIFY_WEBHOOK_SECRET"),
        ({"notify_webhook_file": "/nowhere/canary-4711"}, "WEIR_NOTIFY_WEBHOOK_FILE"),
        ({"notify_alertmanager": "localhost:9093"}, "WEIR_NOTIFY_ALERTMANAGER"),
        ({"notify_grafana": True}, "WEIR_GRAFANA_URL"),
    ],
)
def test_settings_that_will_not_do(changes, field):
    """They are told at the start by their names, and no value is."""
    with pytest.raises(ConfigError) as caught:
        choose_targets(Settings(**changes))
    assert caught.value.field == field
    assert "canary" not in str(caught.value)


def test_the_targets_that_are_set(tmp_path):
    """The log is always there; secrets may be files, and are in no repr."""
    address, secret = tmp_path / "address", tmp_path / "secret"
    address.write_text("https://hooks.example/canary-4711\n")
    secret.write_text("0123456789abcdef\n")
    settings = Settings(
        notify_webhook_file=address, notify_webhook_secret_file=secret, notify_alertmanager="http://localhost:9093",
        notify_grafana=True, grafana_url="http://localhost:3000/sub", grafana_token="canary-4711",
    )  # fmt: skip
    assert [target.name for target in choose_targets(settings)] == ["log", "alertmanager", "webhook", "grafana"]
    assert [target.name for target in choose_targets(Settings())] == ["log"]
    assert "canary" not in repr(settings)


class Fickle:
    """A target that fails as it is told."""

    name = "webhook"
    reminds = True
    refresh_seconds = None

    def __init__(self):
        self.error = None
        self.told = []

    def deliver(self, notification):
        if self.error is not None:
            raise self.error
        self.told.append(notification)

    def refresh(self, alerts):
        """Nothing to be refreshed."""


@pytest.fixture
def scene():
    return Scene()


class Scene:
    """A courier, its target, and a clock that is set by hand."""

    def __init__(self):
        self.now, self.target, self.written, self.book, self.metrics = NOON, Fickle(), [], Book(), Metrics()
        self.writes = True
        given = Surroundings(
            book=self.book, lock=threading.Lock(), write=self._write, metrics=self.metrics, clock=lambda: self.now,
            terms=Terms(timedelta(0), timedelta(hours=4)), give_up=timedelta(hours=24),
        )  # fmt: skip
        self.courier = Courier(self.target, given, 0)

    def _write(self, notice):
        if not self.writes:
            raise UnavailableError("no broker")
        self.written.append(notice)

    def turn(self, after=timedelta(0)):
        self.now += after
        self.courier.turn()


def test_a_target_that_does_not_answer_is_tried_again(scene):
    """Nothing is noted until it has it; waits grow, and its position stays before what it lacks."""
    scene.book.learn(alert(), 7, NOON)
    scene.target.error = UnavailableError("away")
    scene.turn()
    scene.turn()
    assert scene.metrics.registry.get_sample_value("weir_notify_failures_total", {"target": "webhook"}) == 1
    assert (scene.written, scene.courier.position(9)) == ([], 7)
    scene.target.error = None
    scene.turn(timedelta(seconds=2))
    (said,) = scene.written
    assert (said.outcome, said.attempts, len(scene.target.told)) == ("delivered", 2, 1)
    assert scene.courier.position(9) == 9


def test_a_target_that_refuses_is_given_up_and_that_is_written(scene):
    """What is given up is a notice with the reason, and holds up nothing else."""
    scene.book.learn(alert(), 7, NOON)
    scene.target.error = RefusedError("the webhook refuses it: HTTP 400")
    scene.turn()
    scene.target.error = None
    scene.book.learn(alert("b" * 16), 8, NOON)
    scene.turn()
    assert [(n.fingerprint, n.outcome, n.reason) for n in scene.written] == [
        (FINGERPRINT, "given_up", "the webhook refuses it: HTTP 400"), ("b" * 16, "delivered", None),
    ]  # fmt: skip


def test_a_target_is_given_up_after_a_day(scene):
    """It is tried all day, and then the giving up is written down."""
    scene.book.learn(alert(), 7, NOON)
    scene.target.error = UnavailableError("away")
    for _ in range(24 * 12 + 1):
        scene.turn(timedelta(minutes=5, seconds=1))
    assert {n.outcome for n in scene.written} == {"given_up"}
    assert len({n.notification_id for n in scene.written}) == 1


def test_without_a_broker_it_is_told_again_under_the_same_id(scene):
    """A notice that cannot be written leaves the target untold as far as anybody knows."""
    scene.book.learn(alert(), 7, NOON)
    scene.writes = False
    with pytest.raises(UnavailableError):
        scene.turn()
    scene.writes = True
    scene.turn()
    assert len(scene.target.told) == 2
    assert len({each.notification_id for each in scene.target.told}) == 1
    assert len(scene.written) == 1
