"""An app bin by bin: its series take each bin in, the mean of their evidence pages, its alarms go their way. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from monitors.alarms import evidence, recovery
from monitors.alarms.app import app_page
from monitors.alarms.app import evidence as evidence_of
from monitors.alarms.bins import DAY
from monitors.alarms.recovery import Recovery
from monitors.alarms.series import Watch, cleared, direction, lanes, restarted
from schemas.alert import Direction
from schemas.monitoring import SeriesBin
from schemas.signal import UNUSUAL_TOPICS
from streams.monitor import alarm as alarms
from streams.monitor.alarm import NO_TRAFFIC, SOON, Alarm, Facts, Seen, fingerprint
from streams.monitor.bins import Closed
from streams.monitor.explanation import facts
from streams.monitor.series import Memory, Taken, forgotten, series_name, studied, take, with_visible
from streams.monitor.traffic import Traffic, counted, has_stopped

_DOUBT: Final = 0.1
"""The share of the evidence for a page that is a doubt; it is dropped at half of that."""
_KEPT: Final = 2 * SOON


@dataclass(frozen=True, slots=True)
class Terms:
    """What an app's policy asks for: false pages in 2,160 bins, bins to learn from, and from which on."""

    pages: float
    reference: int
    learn_from: int | None = None


@dataclass(frozen=True, slots=True)
class App:
    """All that is known of an app. ``watched`` is how many series share the budget."""

    series: Mapping[str, Memory] = field(default_factory=dict)
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    learn_from: int | None = None
    watched: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """An app after a bin: the rows of its series, and the alarms that are to be told of, by fingerprint."""

    app: App
    rows: Mapping[str, SeriesBin]
    told: Mapping[str, Alarm]


def step(name: str, app: App, number: int, closed: Mapping[str, Closed], terms: Terms) -> Step:
    """Take the bin in. ``closed`` holds the series that had events; an app without traffic has none."""
    known = app.alarms
    if terms.learn_from is not None and terms.learn_from != app.learn_from:
        app = _learning_anew(app, terms.learn_from, number)
    if not closed:
        app = _silent(name, app, number)
        return Step(app, {}, _changed(known, app.alarms))
    app = replace(app, traffic=counted(app.traffic, number, max(each.bin.events for each in closed.values())))
    app = _heard(app, number)
    app, closed = _studied(app, number, closed, terms)
    calm = not any(each.has_fired for each in app.alarms.values())
    taken = {
        series: take(app.series.get(series, Memory()), series_name(name, series), found, terms.reference, calm=calm)
        for series, found in closed.items()
    }
    app = _visible(replace(app, series={**app.series, **{name: each.memory for name, each in taken.items()}}), terms)
    app = _recovered(app, number, closed, taken)
    app = _paged(name, app, number, terms)
    kept = {key: each for key, each in app.alarms.items() if each.is_open or number - each.updated <= _KEPT}
    told = _changed(known, app.alarms)
    return Step(replace(app, alarms=kept), {series: each.row for series, each in taken.items()}, told)


def threshold(terms: Terms) -> float:
    """The mean evidence that pages."""
    return 1 / terms.pages


def _changed(before: Mapping[str, Alarm], after: Mapping[str, Alarm]) -> Mapping[str, Alarm]:
    return {key: each for key, each in after.items() if before.get(key) != each}


def _watches(app: App) -> Mapping[str, Watch]:
    return {name: memory.watch for name, memory in app.series.items() if memory.watch is not None}


def _learning_anew(app: App, since: int, number: int) -> App:
    """What was learnt is forgotten, and with it what was wrong by it."""
    series = {name: forgotten(memory, since) for name, memory in app.series.items()}
    over = {key: alarms.ended(each, number) if each.is_open else each for key, each in app.alarms.items()}
    return replace(app, series=series, alarms=over, learn_from=since, watched=0)


def _studied(app: App, number: int, closed: Mapping[str, Closed], terms: Terms) -> tuple[App, Mapping[str, Closed]]:
    """What is usual is learnt first; until then there is no series of what is not."""
    found = closed.get(UNUSUAL_TOPICS)
    if found is None or usual_topics(app):
        return app, closed
    memory = studied(app.series.get(UNUSUAL_TOPICS, Memory()), found.topics, number, terms.reference)
    rest = {name: each for name, each in closed.items() if name != UNUSUAL_TOPICS}
    return replace(app, series={**app.series, UNUSUAL_TOPICS: memory}), rest


def usual_topics(app: App) -> tuple[str, ...]:
    """The topics that the app's prompts are usually about, once they are known."""
    memory = app.series.get(UNUSUAL_TOPICS)
    return memory.usual.names if memory is not None and memory.usual is not None else ()


def _silent(name: str, app: App, number: int) -> App:
    if not has_stopped(app.traffic, number):
        return app
    found = {key: alarms.silenced(each, number) if each.state == "firing" else each for key, each in app.alarms.items()}
    key = fingerprint(name, NO_TRAFFIC, None)
    if key not in found or not found[key].is_open:
        found[key] = Alarm(NO_TRAFFIC, None, "no_data", number, number, number)
    return replace(app, alarms=found)


def _heard(app: App, number: int) -> App:
    """The app has traffic: what waited for it goes on."""
    found = {}
    for key, each in app.alarms.items():
        if each.state != "no_data":
            found[key] = each
        elif each.series == NO_TRAFFIC:
            found[key] = alarms.ended(each, number)
        else:
            found[key] = alarms.resumed(each, number)
    return replace(app, alarms=found)


def _visible(app: App, terms: Terms) -> App:
    """Where more series share the budget than before, each of them sees less."""
    watched = len(_watches(app))
    if watched == app.watched:
        return app
    limit = evidence.threshold(terms.pages, 1 / max(watched, 1))
    return replace(app, watched=watched, series={name: with_visible(each, limit) for name, each in app.series.items()})


def _recovered(app: App, number: int, closed: Mapping[str, Closed], taken: Mapping[str, Taken]) -> App:
    seen = {
        name: Seen(found.bin, taken[name].row.expected or 0.0, watch.baseline.profile.level)
        for name, found in closed.items()
        if taken[name].row.expected is not None and (watch := taken[name].memory.watch) is not None
    }
    found = {
        key: alarms.recovered(each, number, seen) if each.state == "firing" else each
        for key, each in app.alarms.items()
    }
    over = [each for key, each in found.items() if each.state == "resolved" and app.alarms[key].has_fired]
    series = {
        name: _cleared(memory, [each for each in over if each.concerns(name)]) for name, memory in app.series.items()
    }
    return replace(app, alarms=found, series=series)


def _cleared(memory: Memory, over: list[Alarm]) -> Memory:
    """The series after the end of alarms about it."""
    if memory.watch is None or not over:
        return memory
    watch = memory.watch
    began = min(each.facts.began[0] if each.facts.began else each.started for each in over)
    return replace(memory, watch=replace(watch, state=cleared(watch.state, began // watch.baseline.block)))


def _paged(name: str, app: App, number: int, terms: Terms) -> App:
    watches = _watches(app)
    if not watches:
        return app
    page = app_page({series: watch.state for series, watch in watches.items()}, terms.pages)
    if page is None:
        return _doubted(name, app, number, watches, terms)
    moved = [series for series in page.series if evidence_of(watches[series].state) >= page.threshold]
    new = _alarm(app, watches, moved or list(page.series[:1]), number, page.evidence)
    series = {each: _restarted(memory) for each, memory in app.series.items()}
    return replace(app, alarms=_with_page(name, app.alarms, new), series=series)


def _with_page(name: str, known: Mapping[str, Alarm], new: Alarm) -> Mapping[str, Alarm]:
    """The alarms of an app after a page: it belongs to the one that fires about its series, if there is one."""
    found = dict(known)
    about = next((key for key, each in found.items() if each.has_fired and each.concerns(new.series)), None)
    key = about or fingerprint(name, new.series, new.direction)
    if about is None:
        found[key] = alarms.fired(found.get(key), new)
    elif found[key].direction == new.direction:
        found[key] = alarms.confirmed(found[key], new)
    # Else it moves back, and its recovery will tell.
    for other, each in found.items():
        if other != key and each.state == "pending":
            found[other] = alarms.ended(each, new.updated)
    return found


def _restarted(memory: Memory) -> Memory:
    """The series with its evidence spent on a page."""
    watch = memory.watch
    return memory if watch is None else replace(memory, watch=replace(watch, state=restarted(watch.state)))


def _alarm(app: App, watches: Mapping[str, Watch], moved: list[str], number: int, evidence: float) -> Alarm:
    """The alarm of series that moved, the one with most evidence first."""
    ways = {series: way(watches[series]) for series in moved}
    told = {series: facts(app.series[series], watches[series], ways[series]) for series in moved}
    lead = moved[0]
    return Alarm(
        series=lead,
        direction=ways[lead],
        state="firing",
        started=number,
        since=number,
        updated=number,
        fired=number,
        evidence=evidence,
        also=tuple(moved[1:]),
        facts=told[lead],
        recoveries={series: _recovery(told[series], watches[series], ways[series]) for series in moved},
    )


def way(watch: Watch) -> Direction:
    """Which way the lane with more evidence points."""
    found = lanes(watch.state)
    return direction(watch.state, max(found, key=lambda lane: found[lane]))


def _recovery(told: Facts, watch: Watch, moved: Direction) -> Recovery:
    """Half of the change at the mean level; where it cannot be told, half of the level."""
    base = watch.baseline
    change = (told.value or 0.0) - (told.baseline or 0.0)
    if told.baseline:
        change *= base.profile.level / told.baseline
    sign = 1 if moved == "up" else -1
    if change * sign <= 0:
        change = sign * base.margin
    return Recovery(change / 2, recovery.BINS)


def _doubted(name: str, app: App, number: int, watches: Mapping[str, Watch], terms: Terms) -> App:
    """Doubts begin and go; while an alarm fires about the leading series there is nothing to doubt."""
    found = {series: evidence_of(watch.state) for series, watch in watches.items()}
    mean, limit = sum(found.values()) / len(found), threshold(terms)
    lead = min(found, key=lambda series: (-found[series], series))
    open_ones = dict(app.alarms)
    for key, each in app.alarms.items():
        if each.state == "pending":
            gone = mean < _DOUBT * limit / 2
            open_ones[key] = alarms.ended(each, number) if gone else replace(each, updated=number, evidence=mean)
    doubted = any(each.state == "pending" for each in open_ones.values())
    known = any(each.has_fired and each.concerns(lead) for each in open_ones.values())
    if mean >= _DOUBT * limit and not doubted and not known:
        direction_of = way(watches[lead])
        key = fingerprint(name, lead, direction_of)
        before = open_ones.get(key)
        new = alarms.pending(lead, direction_of, number, mean)
        # An alarm that is over may come back: how often it did is not forgotten by the doubt in between.
        open_ones[key] = new if before is None else replace(new, flaps=before.flaps, resolved=before.resolved)
    return replace(app, alarms=open_ones)


def bins_of(days: float) -> int:
    """Days as bins, 24 to a day."""
    return round(days * DAY)
