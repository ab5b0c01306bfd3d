"""The monitor on a real broker: what it knows is what a pure recomputation comes to, whatever dies."""

import json
import signal
from itertools import islice

import pytest
from typer.testing import CliRunner

from schemas.topics import ALERTS
from streams.cli import app
from streams.monitor.records import app_key, app_state, plain_memory, progress_key, series_key
from streams.monitor.shards import Shard, shard_of
from streams.settings import Settings
from tests.fixtures.monitor_side import Watched
from tests.fixtures.monitored import ALARMS, APP, REFERENCE, judged, moment, number, traffic
from tests.fixtures.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.kafka

POLICY = """
id: shop
version: 1
apps: [shop, desk]
alarms: {signals: [response_toxicity, refusal, language], reference_days: 14, languages: [en]}
"""
BAD = range(REFERENCE + 30, REFERENCE + 60)
LAST = REFERENCE + 75


@pytest.fixture
def watched(bootstrap, namespace):
    """Topics of the test's own; nothing runs. Time is that of the events."""
    settings = Settings(
        _env_file=None,
        kafka_bootstrap=bootstrap,
        namespace=namespace.prefix,
        monitor_clock="event",
        monitor_lateness_seconds=0,
    )
    made = Watched(settings, ALARMS)
    yield made
    made.close()


@pytest.fixture
def policies(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def run_weir(watched):
    """The command line, as for this installation."""

    def run(*arguments):
        settings = watched.settings
        environment = {"WEIR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "WEIR_NAMESPACE": settings.namespace}
        result = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_the_state_is_that_of_a_recomputation(watched, policies):
    """kill -9 in mid-traffic, a stand-by that takes over, repeated and late verdicts: state, alerts and counts are
    those of reading the log once, partition by partition, to the last bit; the toxic model is named, and it ends."""
    stream = list(traffic(range(LAST + 2), 6, bad=BAD))
    parts = [stream[: len(stream) // 3], stream[len(stream) // 3 : len(stream) // 2], stream[len(stream) // 2 :]]
    first = watched.start(policies)
    watched.write(parts[0])
    watched.until_closed(number(5))
    first.send_signal(signal.SIGKILL)
    second = watched.start(policies)
    watched.write(parts[1] + parts[0][-20:])  # what a stage judges again comes with the same ids
    watched.write([judged(1, moment(3), conversation_id="late")])
    third = watched.start(policies)  # stands by
    watched.until_closed(number(REFERENCE // 2))
    second.send_signal(signal.SIGKILL)
    watched.write(parts[2])
    standing = watched.until_closed(number(LAST))
    third.send_signal(signal.SIGTERM)
    assert third.wait(120) == 0

    states = watched.states()
    progress = states["progress"].progress
    watcher, closing = watched.recomputed(progress)
    counts = {(p.partition, p.late, p.repeated) for p in progress.partitions}
    assert {(p.number, p.late, p.repeated) for p in watcher.partitions.values()} == counts
    assert sum(p.late + p.repeated for p in progress.partitions) == 21
    known = watcher.apps[APP]
    for series, memory in known.series.items():
        assert states[series_key(APP, series)].series.memory == plain_memory(memory)
    assert states[app_key(APP)].app.memory == app_state(APP, known).memory
    assert watcher.closed == progress.closed

    told = watched.alerts()
    assert {each.fingerprint for each in told} == {each.fingerprint for each in closing.told[APP]}
    fired = [each for each in told if each.state == "firing"]
    assert {(each.alertname, each.direction) for each in fired} == {("WeirResponseToxicity", "up")}
    page = fired[0]
    assert moment(BAD[0]) < page.fired_at <= moment(BAD[0] + 6)
    assert page.began.earliest <= moment(BAD[0]) <= page.began.latest
    assert page.model == "v2"
    assert page.examples
    assert told[-1].state == "resolved"
    assert told[-1].ends_at > moment(BAD[-1])
    assert standing.alerts[page.fingerprint].state == "resolved"


def test_apps_are_shared_and_shared_anew(watched, policies):
    """One monitor, then two while it still runs, one of them killed: every app is as in one reading, to the last bit,
    and nothing is told twice; who shares the work otherwise is deposed."""
    apps = {APP: Shard(0, 2), "desk": Shard(1, 2)}
    assert all(shard.owns(name) for name, shard in apps.items())
    clean = traffic(range(LAST + 2), 3, seed=2)
    stream = sorted([*traffic(range(LAST + 2), 6, bad=BAD, app="desk"), *clean], key=lambda each: each.event_time)
    parts = [stream[: len(stream) // 3], stream[len(stream) // 3 : len(stream) // 2], stream[len(stream) // 2 :]]
    alone = watched.start(policies)
    watched.write(parts[0])
    watched.until_closed(number(5))
    one = watched.start(policies, 1, 2)
    watched.until_claimed(0, 2)
    watched.write(parts[1])
    assert alone.wait(PATIENCE_SECONDS) == 1
    zero = watched.start(policies, 0, 2)
    assert {shard_of(each) for each in watched.until_closed(number(LAST // 2 - 10)).progress} == set(apps.values())
    one.send_signal(signal.SIGKILL)
    watched.write(parts[2])
    other = watched.start(policies, 1, 2)
    watched.until_closed(number(LAST))
    for each in (zero, other):
        each.send_signal(signal.SIGTERM)
        assert each.wait(PATIENCE_SECONDS) == 0

    states, told = watched.states(), watched.alerts()
    for name, shard in apps.items():
        watcher, closing = watched.recomputed(states[progress_key(shard)].progress)
        known = watcher.apps[name]
        assert states[app_key(name)].app.memory == app_state(name, known).memory
        for series, memory in known.series.items():
            assert states[series_key(name, series)].series.memory == plain_memory(memory)
        mine = {each.fingerprint for each in told if each.app == name}
        assert mine == {each.fingerprint for each in closing.told.get(name, ())}
    assert {(each.app, each.state) for each in told if each.fired_at} == {("desk", "firing"), ("desk", "resolved")}
    ids = [dict(each.headers)["ce_id"] for each in watched.messages(ALERTS)]
    assert len(ids) == len(set(ids))


def test_what_is_watched_is_shown(watched, policies, run_weir):
    """Learning is said plainly; an export is a reference that another installation watches by at once."""
    assert "nothing is watched yet" in run_weir("monitors", "list")
    watched.write(islice(traffic(range(40), 6), 240))
    monitor = watched.start(policies)
    watched.until_closed(number(30))
    monitor.terminate()
    listed = run_weir("monitors", "list", "--json")
    found = {each["series"]: each for each in map(json.loads, listed.splitlines())}
    assert found.keys() == {"response_toxicity", "refusal", "language:en", "language:other"}
    assert all(each["phase"] == "learning" and 0.08 < each["learnt"] < 0.13 for each in found.values())
    assert "learning, " in run_weir("monitors", "list")
    shown = run_weir("monitors", "show", APP, "refusal")
    assert "before anything can page" in shown
    assert len(run_weir("monitors", "export").splitlines()) == 4
