"""The notifier on a real broker: a web server on loopback and Prometheus' own Alertmanager are told of alerts."""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from schemas.codec import Outgoing
from schemas.dead_letter import read_reason
from schemas.topics import ALERTS, dead_letters
from streams.cli import app
from streams.kafka.topic_admin import create_topics
from streams.local.ports import choose_port
from streams.metrics import Metrics
from streams.notify.choice import choose_targets
from streams.notify.notifier import Notifier
from streams.notify.standing import ended, find_alert, new_silence, read_book, try_targets, write_silence
from streams.settings import Settings, child_environment
from tests.fixtures.alerts import FINGERPRINT, NOON, Receiver, alert, resolved, write_alerts
from tests.fixtures.echo_flow import read
from tests.fixtures.processes import Process
from tests.fixtures.running import running
from tests.fixtures.store_side import send
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def settings(bootstrap, namespace, receiver):
    """An installation whose notifier has a webhook."""
    made = Settings(
        kafka_bootstrap=bootstrap, namespace=namespace.prefix, notify_webhook=receiver.url,
        notify_webhook_secret=SECRET, notify_group_seconds=0,
    )  # fmt: skip
    create_topics(made)
    return made


@contextmanager
def notifying(settings, metrics=None):
    """A notifier in a thread, until the end of the block."""
    notifier = Notifier(settings, metrics or Metrics(), choose_targets(settings))
    with running(notifier, notifier.is_ready):
        yield notifier


@pytest.fixture
def start(settings, tmp_path):
    """Notifiers in processes of their own."""
    running = []

    def start(**changes):
        environment = child_environment(
            kafka_bootstrap=settings.kafka_bootstrap, namespace=settings.namespace, notify_group_seconds="0",
            notify_webhook=settings.notify_webhook.get_secret_value(), notify_webhook_secret=SECRET,
            log_format="json", **changes,
        )  # fmt: skip
        log = tmp_path / f"notify-{len(running)}.log"
        running.append(Process(("streams.cli", "notify"), environment, log))
        return running[-1]

    yield start
    for process in running:
        process.end()


def told(settings, fingerprint=FINGERPRINT):
    """What every target was told last, as target to state and outcome."""
    return {n.target: (n.state, n.outcome) for n in read_book(settings).notices(fingerprint)}


def states(receiver):
    return [each.state for each in receiver.notifications]


def committed(settings):
    """How far `alerts` has been told: the lowest position, and each target's."""
    group = f"{settings.namespace}.notify"
    wanted = [TopicPartition(settings.topics.of(ALERTS), 0)]
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)])[group].result(60)
    (place,) = answer.topic_partitions
    return place.offset, json.loads(place.metadata or "{}")


def test_an_alert_from_its_beginning_to_its_end(settings, receiver):
    """Doubts and updates are nobody's business; the page and its end are told once each, and written down."""
    with notifying(settings):
        write_alerts(settings, alert(state="pending", fired_at=None), alert(), alert(value=0.3), alert(value=0.4))
        eventually(lambda: told(settings) == {"log": ("firing", "delivered"), "webhook": ("firing", "delivered")})
        write_alerts(settings, resolved())
        eventually(lambda: told(settings)["webhook"][0] == "resolved")
    assert states(receiver) == ["firing", "resolved"]
    with notifying(settings):
        time.sleep(1)
    assert states(receiver) == ["firing", "resolved"]
    assert committed(settings) == (5, {"log": 5, "webhook": 5})


def test_what_happens_while_it_is_dead(settings, receiver):
    """What fired is told when it is back; what also ended is told as ended; what ended before it was set up is not."""
    write_alerts(settings, alert("0" * 16), resolved("0" * 16))
    with notifying(settings):
        eventually(lambda: committed(settings)[0] == 2)
    write_alerts(settings, alert(), alert("b" * 16), resolved("b" * 16))
    with notifying(settings):
        eventually(lambda: len(receiver.notifications) == 2)
        time.sleep(0.5)
    assert {(n.state, n.alerts[0].fingerprint) for n in receiver.notifications} == {
        ("firing", FINGERPRINT), ("resolved", "b" * 16),
    }  # fmt: skip


def test_killed_in_the_middle_of_telling(settings, receiver, start):
    """With kill -9 before the answer the alert is told again, under the same id; after the answer it is not."""
    receiver.release.clear()
    first = start()
    write_alerts(settings, alert())
    eventually(lambda: receiver.requests)
    assert told(settings).keys() <= {"log"}
    first.signal(signal.SIGKILL)
    first.wait()
    receiver.release.set()
    second = start()
    eventually(lambda: told(settings).get("webhook") == ("firing", "delivered"))
    second.signal(signal.SIGKILL)
    second.wait()
    third = start()
    write_alerts(settings, alert("b" * 16))
    eventually(lambda: told(settings, "b" * 16).get("webhook") == ("firing", "delivered"))
    third.signal(signal.SIGTERM)
    assert third.wait() == 0
    ids = [each.notification_id for each in receiver.notifications if each.alerts[0].fingerprint == FINGERPRINT]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_dead_target_stops_no_other(settings, receiver):
    """While the webhook is down the log is told, the webhook's position waits, and it is told when it is back."""
    receiver.status = 503
    metrics = Metrics()
    with notifying(settings, metrics):
        write_alerts(settings, alert())
        eventually(lambda: told(settings) == {"log": ("firing", "delivered")})
        eventually(lambda: metrics.registry.get_sample_value("weir_notify_failures_total", {"target": "webhook"}))
        eventually(lambda: committed(settings) == (0, {"log": 1, "webhook": 0}))
        value = metrics.registry.get_sample_value
        eventually(lambda: value("weir_notify_outstanding_alerts", {"target": "webhook"}) == 1)
        own = {"group": "notify", "topic": "alerts"}
        eventually(lambda: value("weir_consumer_lag_events", own) is not None)  # it is looked up now and then
        receiver.status = 200
        eventually(lambda: told(settings).get("webhook") == ("firing", "delivered"))
        eventually(lambda: committed(settings) == (1, {"log": 1, "webhook": 1}))


def test_a_refusal_is_written_down(settings, receiver):
    """What the webhook will not have is given up, with the reason where people look, and holds up nothing."""
    receiver.status = 422
    with notifying(settings):
        write_alerts(settings, alert())
        eventually(lambda: told(settings).get("webhook") == ("firing", "given_up"))
    (refused,) = (n for n in read_book(settings).notices(FINGERPRINT) if n.target == "webhook")
    assert "422" in refused.reason


def test_silenced_and_taken_on(settings, receiver):
    """A silence keeps an alert from being told until it is ended."""
    made = new_silence(timedelta(hours=1), "ann", app="shop")
    write_silence(settings, made)
    with notifying(settings):
        write_alerts(settings, alert(), alert("b" * 16, app="bank"))
        eventually(lambda: told(settings, "b" * 16).get("webhook") == ("firing", "delivered"))
        assert told(settings) == {}
        write_silence(settings, ended(made))
        eventually(lambda: told(settings).get("webhook") == ("firing", "delivered"))
    book = read_book(settings)
    assert book.silenced(find_alert(book, FINGERPRINT[:12]), datetime.now(UTC)) is None


def test_what_cannot_be_read_is_a_dead_letter_once(settings):
    """A message that is no alert stops nothing, and is not written down again at the next start."""
    send(settings, settings.topics.of(ALERTS), [Outgoing(b"x", b"{canary-4711", ())])
    for n in range(2):
        with notifying(settings):
            write_alerts(settings, alert(str(n) * 16))
            eventually(lambda n=n: "log" in told(settings, str(n) * 16))
            eventually(lambda n=n: committed(settings)[0] == n + 2)
    letters = read(settings.kafka_bootstrap, settings.topics.of(dead_letters(ALERTS)), 1, 1)
    assert [read_reason(each.headers()).code for each in letters] == ["MALFORMED_JSON"]


def test_two_notifiers_tell_once(settings, receiver):
    """One tells and the other stands by; when the first ends, the other goes on."""
    with notifying(settings) as first:
        with notifying(settings) as second:
            write_alerts(settings, alert())
            eventually(lambda: told(settings).get("webhook") == ("firing", "delivered"))
            assert [first._telling, second._telling].count(True) == 1
        write_alerts(settings, resolved())
        eventually(lambda: told(settings).get("webhook") == ("resolved", "delivered"))
    assert states(receiver) == ["firing", "resolved"]


def test_trying_out_who_is_told(settings, receiver):
    """`weir alerts test` tells every target of an alert that is none, and of its end."""
    with notifying(settings):
        found = try_targets(settings, "shop", "info", 30)
        assert {n.target: n.outcome for n in found} == {"log": "delivered", "webhook": "delivered"}
        eventually(lambda: states(receiver) == ["firing", "resolved"])
    assert {each.alerts[0].alertname for each in receiver.notifications} == {"WeirTest"}


@pytest.fixture
def alertmanager(tmp_path, receiver):
    """Debian's Alertmanager, which tells the receiver."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no Alertmanager: apt-get install prometheus-alertmanager")
    configuration = tmp_path / "alertmanager.yml"
    configuration.write_text(
        "route: {receiver: hook, group_by: [app], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{receiver.url}/am'}}]}}]\n"
    )
    port = choose_port()
    command = [
        program, f"--config.file={configuration}", f"--storage.path={tmp_path / 'am'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with (tmp_path / "am.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "GOMAXPROCS": "1"})
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: _answers(f"{url}/-/ready"))
    yield url
    process.terminate()
    process.wait(60)


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


def test_alertmanager_itself(settings, receiver, alertmanager):
    """Alertmanager takes the alert with its labels, tells its receiver, is refreshed, and tells of the end."""
    own = settings.model_copy(update={"notify_webhook": None, "notify_alertmanager": alertmanager})
    with notifying(own):
        write_alerts(own, alert())
        eventually(lambda: told(own).get("alertmanager") == ("firing", "delivered"))
        (there,) = _get(f"{alertmanager}/api/v2/alerts")
        assert there["labels"]["alertname"] == "WeirResponseToxicity"
        assert there["annotations"]["description"].startswith("response_toxicity is 0.200")
        assert datetime.fromisoformat(there["startsAt"]) == NOON
        assert datetime.fromisoformat(there["endsAt"]) > datetime.now(UTC) + timedelta(minutes=4)
        eventually(lambda: _hooks(receiver)[-1:] == ["firing"])
        # Another model is to blame now: for Alertmanager that is another alert, and the first one's end.
        write_alerts(own, alert(severity="warning"))
        eventually(lambda: {a["labels"]["severity"] for a in _get(f"{alertmanager}/api/v2/alerts")} == {"warning"})
        write_alerts(own, resolved(severity="warning"))
        eventually(lambda: _hooks(receiver)[-1:] == ["resolved"])
        assert _get(f"{alertmanager}/api/v2/alerts") == []


def _hooks(receiver):
    return [json.loads(body)["status"] for name, _, body, _ in list(receiver.requests) if name == "POST /am"]


def test_on_the_command_line(settings):
    """List, show, ack, silence and silences say what is so, for people and for scripts; faults name the field."""
    write_alerts(settings, alert(), alert("b" * 16, app="bank"))
    places = {"WEIR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "WEIR_NAMESPACE": settings.namespace, "COLUMNS": "160"}

    def weir(*arguments):
        done = CliRunner().invoke(app, ["alerts", *arguments], env=places)
        return done.exit_code, f"{done.exception}\n{done.stdout}"

    status, listed = weir("list")
    assert (status, "WeirResponseToxicity" in listed, "bank" in listed) == (1, True, True)
    assert "response_toxicity is 0.200, 0.010 was expected." in weir("show", FINGERPRINT)[1]
    assert weir("ack", FINGERPRINT, "--by", "ann")[0] == 0
    assert weir("silence", "--app", "bank", "--for", "30m", "--reason", "we know")[0] == 0
    assert "we know" in weir("silences")[1]
    both = [json.loads(line) for line in weir("list", "--json")[1].splitlines() if line.startswith("{")]
    assert {each["app"]: (each["acknowledged_by"], each["silenced_until"] is None) for each in both} == {
        "shop": ("ann", True), "bank": (None, False),
    }  # fmt: skip
    assert "[fingerprint]: no alert has a fingerprint that begins so" in weir("show", "ffff")[1]
    assert weir("silence", "--for", "soon")[0] == 2
