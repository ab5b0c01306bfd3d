"""The monitor without Kafka: bins that close, alarms that come and go, and how they are told."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from monitors.alarms.bins import bin_of
from schemas.monitoring import SeriesState
from schemas.policy import Alarms
from schemas.signal import SignalName
from schemas.traffic import milliseconds
from schemas.verdict import Judgement
from streams.monitor.alarm import NO_TRAFFIC
from streams.monitor.app import App, bins_of, step
from streams.monitor.app import Terms as AppTerms
from streams.monitor.bins import Closed, OpenBins
from streams.monitor.readings import DIMENSIONS, Passing, Reader
from streams.monitor.records import memory_of, series_state
from streams.monitor.reference import exported, read_reference
from streams.monitor.signals import SIGNALS
from streams.monitor.telling import Links, Teller
from streams.monitor.watcher import Watcher
from streams.monitor.watermarks import Partition, Terms
from tests.fixtures.monitored import ALARMS, APP, REFERENCE, closed_upto, judged, moment, number, traffic

HOUR = 3_600_000
TERMS = AppTerms(1.0, bins_of(14))
TELLER = Teller(HOUR, Links("docs/alarms.md", "http://g/{app}"))


class Scene:
    """A watcher of one partition, and what it told: (alert name, state, hour) in order."""

    def __init__(self, alarms=ALARMS, apps=None, closed=None):
        self.alarms = alarms
        self.watcher = Watcher(Terms(HOUR, 0), lambda _: self.alarms, apps, closed_upto(closed))
        self.watcher.follow([Partition("v", "id", 0)])
        self.reader = Reader(lambda _: self.alarms, "event")
        self.told = []
        self.offset = 0

    def feed(self, verdicts):
        for each in verdicts:
            self.watcher.read(("v", 0), self.offset, self.reader.read(each))
            self.offset += 1
            if (upto := self.watcher.due(())) is not None:
                self.close(upto)

    def close(self, upto):
        for each in self.watcher.close(upto).told.get(APP, ()):
            app = self.watcher.apps[APP]
            self.told.append(TELLER.alert(APP, each.fingerprint, each.alarm, app, TERMS))

    def states(self, name):
        found = [each.state for each in self.told if each.alertname == name]
        return [state for state, before in zip(found, [None, *found], strict=False) if state != before]


@pytest.fixture(scope="module")
def learnt():
    """The state of an app after a clean fortnight; nothing of it changes."""
    scene = Scene()
    scene.feed(traffic(range(REFERENCE + 2), 8, seed=5))
    assert scene.told == []
    return scene.watcher.apps, scene.watcher.closed


def after(learnt, alarms=ALARMS):
    apps, closed = learnt
    return Scene(alarms, apps, closed)


def test_every_signal_is_described_once():
    """Each name has its reader, an alert of its own, and a place in the page that alerts link to."""
    assert set(SIGNALS) == set(SignalName.__args__)
    assert len({signal.alertname for signal in SIGNALS.values()}) == len(SIGNALS)


def test_an_incident_is_told_from_page_to_proof(learnt):
    """It fires soon, names the model, stays one alert, and is resolved by what comes after it."""
    bad = range(REFERENCE + 10, REFERENCE + 40)
    scene = after(learnt)
    scene.feed(traffic(range(REFERENCE + 2, REFERENCE + 80), 8, seed=6, bad=bad))
    assert scene.states("WeirResponseToxicity")[-2:] == ["firing", "resolved"]
    fired = next(each for each in scene.told if each.state == "firing")
    assert moment(bad[0]) < fired.fired_at <= moment(bad[0] + 6)
    assert (fired.severity, fired.direction, fired.model, fired.guard) == ("critical", "up", "v2", "toxicity")
    assert fired.value > 2 * fired.baseline
    assert fired.budget.series == 4
    assert (fired.runbook, fired.dashboard) == ("docs/alarms.md#weirresponsetoxicity", "http://g/shop")
    models = [part for part in fired.parts if part.dimension == "model"]
    assert max(models, key=lambda part: abs(part.within + part.mix)).segment == "v2"
    assert {each.fingerprint for each in scene.told if each.fired_at} == {fired.fingerprint}
    over = next(each for each in scene.told if each.state == "resolved" and each.fired_at)
    assert moment(bad[-1]) < over.ends_at <= moment(bad[-1] + 24)


def test_what_goes_on_is_not_resolved(learnt):
    """While the change is there nothing resolves the alarm."""
    scene = after(learnt)
    scene.feed(traffic(range(REFERENCE + 2, REFERENCE + 100), 8, seed=7, bad=range(REFERENCE + 10, REFERENCE + 100)))
    assert scene.states("WeirResponseToxicity")[-1] == "firing"


def test_an_app_learns_anew_on_demand(learnt):
    """`learn_from` ends the app's alarms and forgets what it had learnt before that time."""
    scene = after(learnt)
    bad = range(REFERENCE + 10, REFERENCE + 60)
    scene.feed(traffic(range(REFERENCE + 2, REFERENCE + 30), 8, seed=8, bad=bad))
    assert scene.states("WeirResponseToxicity")[-1] == "firing"
    scene.alarms = ALARMS.model_copy(update={"learn_from": moment(REFERENCE + 20)})
    scene.feed(traffic(range(REFERENCE + 30, REFERENCE + 40), 8, seed=9, bad=bad))
    assert scene.states("WeirResponseToxicity")[-1] == "resolved"
    memory = scene.watcher.apps[APP].series["response_toxicity"]
    assert memory.watch is None
    assert memory.history[0].hour >= number(REFERENCE + 20)


def test_traffic_that_stops_is_no_data(learnt):
    """Empty hours in which much was to be expected are told once; with the traffic it is over."""
    scene = after(learnt)
    scene.feed(traffic(range(REFERENCE + 2, REFERENCE + 5), 8, seed=10))
    scene.feed(traffic(range(REFERENCE + 20, REFERENCE + 22), 8, seed=11))
    stopped = [each for each in scene.told if each.series == NO_TRAFFIC]
    assert [each.state for each in stopped] == ["no_data", "resolved"]
    assert stopped[0].alertname == "WeirNoTraffic"


def test_a_reference_is_watched_by_at_once(learnt, tmp_path):
    """What one installation has learnt another begins with; bins of another length are refused by line."""
    apps, _ = learnt
    app = apps[APP]
    lines = [exported(series_state(APP, series, app, (), TERMS, 3600.0)).model_dump_json() for series in app.series]
    path = tmp_path / "reference.jsonl"
    path.write_text("\n".join(lines))
    (found,) = read_reference(path, 3600.0).values()
    assert found.series.keys() == app.series.keys()
    assert all(memory.watch is not None for memory in found.series.values())
    with pytest.raises(Exception, match="line 1 has bins of 3600 seconds"):
        read_reference(path, 60.0)
    path.write_text("{}")
    with pytest.raises(Exception, match="line 1 is no series"):
        read_reference(path, 3600.0)


def test_a_series_survives_as_json(learnt):
    """Written and read back it is the same to the last bit."""
    app = learnt[0][APP]
    for series, memory in app.series.items():
        state = series_state(APP, series, app, (), TERMS, 3600.0)
        assert memory_of(type(state).model_validate_json(state.model_dump_json())) == memory


def test_trials_and_contradictions_are_no_traffic():
    """A version on trial, what settle refuses, and apps that nobody watches are not counted; time goes by the last."""
    reader = Reader(lambda app: ALARMS if app == APP else None, "arrival")
    assert reader.read(judged(1, moment(0))) is not None
    for changes in ({"run": "shadow:shop@2"}, {"stage": "settle"}):
        assert reader.read(judged(1, moment(0), **changes)) is None
    none = Reader(lambda _: Alarms(signals=frozenset()), "arrival")
    passing = Passing(milliseconds(moment(0)))
    assert none.read(judged(1, moment(0))) == reader.read(judged(1, moment(0), app="other")) == passing


def test_a_reading_has_the_values_that_its_sides_have():
    """All signals at once: a response without a prompt has no value of a prompt, and no language of one."""
    reader = Reader(lambda _: Alarms(), "arrival")
    whole = reader.read(judged(1, moment(0), toxicity=0.25)).values
    assert whole["response_toxicity"] == 0.25
    assert (whole["language:en"], whole["language:other"], whole["guard_errors"]) == (1.0, 0.0, 0.0)
    assert all(0 <= value <= 1 for value in whole.values())
    verdict = judged(1, moment(0))
    alone = verdict.model_copy(update={"judgement": Judgement(action="allow", response=verdict.judgement.response)})
    values = reader.read(alone).values
    assert not {name for name in values if name.startswith(("prompt", "language", "injection"))}
    assert replace(reader.read(alone), time=0).segments[3] == "en"


def about(serial, topic, hour=0, **changes):
    """A verdict on a prompt about this."""
    verdict = judged(serial, moment(hour), **changes)
    prompt = verdict.judgement.prompt.model_copy(update={"topic": topic, "novelty": 0.6 if topic else None})
    return verdict.model_copy(update={"judgement": verdict.judgement.model_copy(update={"prompt": prompt})})


def test_topics_are_series_where_the_policy_names_them():
    """The share of each, and of all others; none where none is named, or the text has none."""
    named = Reader(lambda _: Alarms(topics=frozenset({"food", "law"})), "arrival")
    values = named.read(about(1, "food")).values
    assert {name: value for name, value in values.items() if name.startswith("topic:")} == {
        "topic:food": 1.0,
        "topic:law": 0.0,
        "topic:other": 0.0,
    }
    assert named.read(about(1, "music")).values["topic:other"] == 1.0
    assert values["prompt_novelty"] == pytest.approx(0.25)
    for reader, topic in ((named, None), (Reader(lambda _: Alarms(), "arrival"), "food")):
        assert not {name for name in reader.read(about(1, topic)).values if name.startswith("topic:")}


def test_topics_are_counted_apart():
    """However many kinds of events a bin has, what each topic had of it is known."""
    bins, reader = OpenBins(), Reader(lambda _: ALARMS, "arrival")
    for serial in range(700):
        assert bins.add(0, "p", reader.read(about(serial, f"t{serial % 3}", model=f"m{serial}")))
    tallies = bins.close(0)[APP]["response_toxicity"].tallies
    models, topics = (tallies[DIMENSIONS.index(name)] for name in ("model", "topic"))
    assert {name: events for name, (events, _) in topics.items()} == {"t0": 234.0, "t1": 233.0, "t2": 233.0}
    assert sum(events for events, _ in models.values()) == 700


TOPICS = ALARMS.model_copy(update={"signals": frozenset({"unusual_topics"})})


def prompts(hours, seed, new=range(0)):
    """Six prompts an hour about four topics; in ``new`` hours half are about a fifth."""
    source = np.random.default_rng(seed)
    for hour in hours:
        for minute in range(0, 60, 10):
            serial = (seed << 32) + hour * 6 + minute // 10
            topic = source.choice(["food", "law", "music", "sport"], p=[0.5, 0.2, 0.2, 0.1])
            yield about(serial, "crime" if hour in new and source.random() < 0.5 else str(topic), hour)


@pytest.fixture(scope="module")
def accustomed():
    """The state of an app whose usual topics are known, and how often they have been left."""
    scene = Scene(TOPICS)
    scene.feed(prompts(range(REFERENCE * 3 // 2 + 2), 1))
    return scene.watcher.apps, scene.watcher.closed


def test_what_is_usual_is_learnt_before_its_level(accustomed):
    """The largest topics that make up four fifths are; the reference begins after what they were chosen by."""
    memory = accustomed[0][APP].series["unusual_topics"]
    assert memory.usual.names == ("food", "law", "music")
    assert memory.history[0].hour == number(REFERENCE // 2)
    assert memory.watch.baseline.profile.level == pytest.approx(0.1, abs=0.02)


def test_new_topics_are_found_and_named(accustomed):
    """A topic that nobody asked about before pages, with its name and examples of it; usual traffic does not."""
    begin = REFERENCE * 3 // 2 + 2
    scene = after(accustomed, TOPICS)
    scene.feed(prompts(range(begin, begin + 48), 2))
    assert scene.told == []
    moved = list(prompts(range(begin + 48, begin + 78), 3, new=range(begin + 48, begin + 78)))
    scene.feed(moved)
    fired = next(each for each in scene.told if each.state == "firing")
    assert (fired.alertname, fired.direction) == ("WeirUnusualTopics", "up")
    topics = [part for part in fired.parts if part.dimension == "topic"]
    assert max(topics, key=lambda part: part.mix).segment == "crime"
    assert set(fired.examples) <= {each.verdict_id for each in moved if each.judgement.prompt.topic == "crime"}


def test_what_is_usual_survives_a_restart():
    """Stopped while it is being learnt and gone on from JSON, everything is as in one reading, to the last bit."""
    whole, hours = Scene(TOPICS), range(REFERENCE // 2 + 30)
    whole.feed(prompts(hours, 1))
    first = Scene(TOPICS)
    first.feed(prompts(hours[:100], 1))
    state = series_state(APP, "unusual_topics", first.watcher.apps[APP], (), TERMS, 3600.0)
    memory = memory_of(type(state).model_validate_json(state.model_dump_json()))
    assert memory.usual.names == ()
    app = replace(first.watcher.apps[APP], series={"unusual_topics": memory})
    second = Scene(TOPICS, {APP: app}, first.watcher.closed)
    second.feed(each for each in prompts(hours, 1) if each.event_time >= moment(99))
    assert second.watcher.apps == whole.watcher.apps
    assert second.watcher.apps[APP].series["unusual_topics"].usual.names
    second.alarms = TOPICS.model_copy(update={"learn_from": moment(hours[-1])})
    second.feed(prompts(range(hours[-1] + 1, hours[-1] + 3), 4))
    assert second.watcher.apps[APP].series["unusual_topics"].usual.names == ()


def test_a_state_from_before_a_dimension_goes_on(learnt):
    """What was written when there were fewer dimensions is read, and told of without them."""
    memory = learnt[0][APP].series["response_toxicity"]
    state = series_state(APP, "response_toxicity", learnt[0][APP], (), TERMS, 3600.0).model_dump(mode="json")
    old = state["memory"]
    old["before"] = old["before"][:-1]
    for each in old["recent"]:
        each["tallies"] = each["tallies"][:-1]
        for example in (*each["highest"], *each["lowest"]):
            example["segments"] = example["segments"][:-1]
    found = memory_of(SeriesState.model_validate(state))
    assert found.watch == memory.watch
    assert {len(each.tallies) for each in found.recent} == {len(found.before)} == {len(DIMENSIONS)}
    assert found.recent[0].tallies[-1] == {}
    assert all(len(each.segments) == len(DIMENSIONS) for each in found.recent[-1].highest)


def test_silent_partitions_hold_nobody_up():
    """A bin waits for every partition that has traffic; where all are silent, for the clock."""
    watcher = Watcher(Terms(HOUR, 0), lambda _: ALARMS)
    watcher.follow([Partition("v", "id", 0), Partition("v", "id", 1)])
    reader = Reader(lambda _: ALARMS, "event")
    watcher.read(("v", 0), 0, reader.read(judged(1, moment(5))))
    watcher.read(("v", 0), 1, reader.read(judged(2, moment(7))))
    assert watcher.due(()) is None
    assert watcher.due([("v", 1)]) == number(6)
    later = moment(9) + timedelta(minutes=1)
    assert watcher.due([("v", 0), ("v", 1)], round(later.timestamp() * 1000)) == number(8)
    assert watcher.due([("v", 0), ("v", 1)]) is None
    watcher.close(number(6))
    watcher.read(("v", 1), 0, reader.read(judged(3, moment(6))))
    assert watcher.partitions["v", 1].late == 1


def constant(value, hour):
    """Four conversations of one value; the other way round once the fortnight is over."""
    value = value if hour < REFERENCE + 10 else 1 - value
    return Closed(bin_of(hour, [[value]] * 4), tuple({"all": (4.0, 4 * value)} for _ in DIMENSIONS))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 1e-9])
def test_a_series_that_never_changed_is_watched_too(value):
    """Nothing is learnt of its spread; it pages once it is something else, and survives as JSON."""
    app, series = App(), "response_length"
    for hour in range(REFERENCE + 30):
        app = step(APP, app, hour, {series: constant(value, hour)}, TERMS).app
    assert app.series[series].watch is not None
    assert {each.state for each in app.alarms.values()} == (set() if value == 0.5 else {"firing"})
    state = series_state(APP, series, app, (), TERMS, 3600.0)
    assert memory_of(type(state).model_validate_json(state.model_dump_json())) == app.series[series]


def test_one_app_does_not_stop_the_others(monkeypatch):
    """A bin that the rules fail on is told as such; its app stays as it was, and the other is watched."""

    def broken(name, *given):
        if name == "broken":
            raise ZeroDivisionError
        return step(name, *given)

    monkeypatch.setattr("streams.monitor.watcher.step", broken)
    scene = Scene()
    verdicts = [judged(1, moment(0)), judged(2, moment(0), app="broken"), judged(3, moment(1))]
    for offset, each in enumerate(verdicts):
        scene.watcher.read(("v", 0), offset, scene.reader.read(each))
    closing = scene.watcher.close(number(0))
    assert closing.failed == [("broken", number(0), "ZeroDivisionError")]
    assert closing.apps.keys() == {APP}
