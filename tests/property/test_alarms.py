"""Alarms keep their budget, find shifts, and come out the same however often they are computed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.stats import binom

from monitors.alarms import fast
from monitors.alarms.app import NEVER, app_page
from monitors.alarms.bins import Bin, bin_of, day_of_week
from monitors.alarms.evidence import threshold
from monitors.alarms.profile import columns, expected_elsewhere, fit_profile, wander
from monitors.alarms.recovery import BINS, Recovery, recovering
from monitors.alarms.sensitive import log_bets, rank_score
from monitors.alarms.series import Baseline, TooShort, Watch, begin, cleared, lanes, learn, restarted, step
from monitors.alarms.visible import visible_shift
from tests.simulations.alarms import ONSET, clean_run, delay
from tests.simulations.null import SERIES, summed, truth_of
from tests.simulations.paths import pages, scored
from tests.simulations.traffic import REFERENCE_HOURS, Truth, bins, conversations, step_shift
from tests.simulations.years import LIMITS, year

WATCHED = TypeAdapter(Watch)
BUDGET = threshold(1, 1 / 50)


def stream(truth, hours, seed, shift=0.0):
    return bins(conversations(truth, hours, np.random.default_rng(seed), shift), hours)


@pytest.fixture(scope="module")
def week():
    """A reference of 28 days and a week after it, with a shift in its last two days."""
    hours = REFERENCE_HOURS + 168
    return stream(Truth(2_000), hours, 3, step_shift(hours, hours - 48, 0.08))


def through(watch, found):
    pages = []
    for each in found:
        watch, page = step(watch, each)
        if page:
            pages.append(page)
    return watch, pages


@given(cuts=st.sets(st.integers(1, 167), max_size=4), again=st.integers(0, 20))
@settings(max_examples=15, deadline=None)
def test_a_restart_changes_nothing(week, cuts, again):
    """Written as JSON, read back and fed some hours twice at any point, state and pages are those of one go."""
    live = week[REFERENCE_HOURS:]
    start = begin("series", learn(week[:REFERENCE_HOURS]), 5.0, REFERENCE_HOURS - 1)
    whole, expected = through(start, live)
    watch, pages = start, []
    edges = [0, *sorted(cuts), len(live)]
    for first, last in pairwise(edges):
        watch = WATCHED.validate_json(WATCHED.dump_json(watch))
        watch, found = through(watch, live[max(0, first - again) : last])
        pages += found
    assert watch == whole
    assert pages == expected
    assert expected, "the shift is found"


def test_the_same_hours_give_the_same_luck_and_another_series_other_luck(week):
    """Ties are broken by a hash of series and block, so two series with equal traffic differ, one twice does not."""
    base = learn(week[:REFERENCE_HOURS])
    one, same, other = (
        through(begin(name, base, 1e9, REFERENCE_HOURS - 1), week[REFERENCE_HOURS:])[0].state for name in "aab"
    )
    assert one == same
    assert one.fast == other.fast
    assert one.sensitive != other.sensitive


def test_a_page_starts_the_evidence_anew(week):
    """After a page both lanes begin at nothing, and the page names lane, direction and evidence."""
    watch = begin("s", learn(week[:REFERENCE_HOURS]), BUDGET, REFERENCE_HOURS - 1)
    for each in week[REFERENCE_HOURS:]:
        watch, page = step(watch, each)
        if page:
            break
    assert page.direction == "up"
    assert page.evidence >= page.threshold == BUDGET
    assert max(lanes(watch.state).values()) == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_simulations_page_as_the_alarm_does(seed):
    """What is computed for a whole stream at once pages in the same hours as hours taken in one by one."""
    hours, limit = REFERENCE_HOURS + 20 * 24, 0.05
    rows = conversations(
        truth_of(seed, 0.2), hours, np.random.default_rng([seed, 9]), step_shift(hours, hours - 99, 0.02)
    )
    found = bins(rows, hours)
    _, expected = through(
        begin("s", learn(found[:REFERENCE_HOURS]), limit, REFERENCE_HOURS - 1), found[REFERENCE_HOURS:]
    )
    assert pages(scored(rows, hours, "s"), limit) == [page.hour - REFERENCE_HOURS for page in expected]
    assert expected


@given(st.integers(0, 40), st.floats(1, 3), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_sensitive_lane_is_proven_for_exchangeable_residuals(count, inflation, seed):
    """Whatever was ranked before, a bet on the rank of the next of exchangeable residuals has a mean of at most 1.

    Exactly: the newcomer is each of the values with equal chance, and luck is uniform.
    """
    values = np.random.default_rng(seed).integers(0, 9, count + 1).astype(float)
    luck = (np.arange(400) + 0.5) / 400
    means = [
        np.exp([log_bets(rank_score(values[place], others, each) / np.sqrt(inflation)) for each in luck]).mean(0)
        for place in range(count + 1)
        for others in [tuple(sorted(np.delete(values, place).tolist()))]
    ]
    assert np.mean(means, axis=0).max() <= 1 + 1e-6


def test_what_an_earlier_version_wrote_goes_on(week):
    """It had other sizes of bets and let residuals settle after a week: the evidence stays, and they settle at once."""
    live = week[REFERENCE_HOURS:-48]
    watch, _ = through(begin("s", learn(week[:REFERENCE_HOURS]), BUDGET, REFERENCE_HOURS - 1), live[:-1])
    first = (REFERENCE_HOURS - 1) // watch.baseline.block
    behind = replace(watch, state=replace(watch.state, settled=watch.baseline.residuals, absorbed=first))
    assert len(watch.state.settled) > len(behind.state.settled)
    restored, _ = through(WATCHED.validate_json(WATCHED.dump_json(behind)), live[-1:])
    assert restored == through(watch, live[-1:])[0]
    assert restored.state.sensitive != watch.state.sensitive


def test_a_change_that_is_over_is_no_rank_for_others(week):
    """Once it is, residuals since it began are taken from those that new ones are ranked among; older ones stay."""
    watch, _ = through(begin("s", learn(week[:REFERENCE_HOURS]), NEVER, REFERENCE_HOURS - 1), week[REFERENCE_HOURS:])
    began = (week[-1].hour - 47) // watch.baseline.block
    clean = cleared(watch.state, began)
    kept = [residual for number, residual in watch.state.recent if number < began]
    # The last residual has not settled yet: it does with the next block.
    assert clean.settled == tuple(sorted((*watch.baseline.residuals, *kept)))
    assert len(watch.state.settled) == len(watch.baseline.residuals) + len(watch.state.recent) - 1


def test_silence_is_no_evidence():
    """Hours without events, left out or empty, change no evidence: a series that fell silent does not page."""
    hours = REFERENCE_HOURS
    base = learn(stream(Truth(2_000), hours, 4))
    empty, _ = through(
        begin("s", base, BUDGET, hours - 1), [Bin(hour, 0, 0.0, ()) for hour in range(hours, hours + 48)]
    )
    left_out, _ = through(begin("s", base, BUDGET, hours - 1), [Bin(hours + 47, 0, 0.0, ())])
    assert max(lanes(empty.state).values()) == max(lanes(left_out.state).values()) == 0.0


def test_a_short_reference_carries_no_alarm():
    """Thirteen days are too short, and so is none at all; the answer says how many there were."""
    short = learn(stream(Truth(2_000), 13 * 24, 5))
    assert isinstance(short, TooShort)
    assert short.days == 13.0
    assert learn([]) == TooShort(0.0)
    assert isinstance(learn([Bin(hour, 0, 0.0, ()) for hour in range(REFERENCE_HOURS)]), TooShort)


@given(rate=st.floats(0.01, 0.95), margin=st.floats(0, 0.03), away=st.floats(-1, 1), count=st.integers(1, 12))
def test_the_fast_lane_is_proven(rate, margin, away, count):
    """While the truth is within the margin no bet's mean exceeds 1: exactly, for conversations of 0 or 1."""
    truth = np.clip(rate + away * margin, 0, 1)
    hits = np.arange(count + 1)
    found = [
        Bin(0, count, float(h), tuple((v, c) for v, c in ((0.0, count - int(h)), (1.0, int(h))) if c)) for h in hits
    ]
    wealth = np.exp([fast.log_bets(each, rate, margin) for each in found])
    chance = binom.pmf(hits, count, truth)
    assert np.nanmax(chance @ wealth) <= 1 + 1e-6 or np.isnan(chance @ wealth).all()


@given(st.lists(st.floats(-3, 3), max_size=30).map(sorted), st.floats(-3, 3), st.floats(0.01, 0.99))
def test_ranks_are_finite(others, residual, luck):
    """A rank's normal score is finite and grows with the residual."""
    score = rank_score(residual, tuple(others), luck)
    assert np.isfinite(score)
    assert rank_score(residual + 7, tuple(others), luck) >= score


def test_conversations_make_bins():
    """Each distinct mean of a conversation is kept with its count; Thursday is the first day of 1970."""
    made = bin_of(5, [[1, 0], [0, 1], [0.0], [1.0, 1.0, 1.0]])
    assert made == Bin(5, 8, 5.0, ((0.0, 1), (0.5, 2), (1.0, 1)))
    assert day_of_week(np.array([0, 24, 96])).tolist() == [3, 4, 0]


def test_a_profile_finds_the_season_and_the_wander():
    """With much traffic the hour's factors come out within 15%, and the wander within a third."""
    truth = Truth(300_000, 0.2, 0.15)
    data = columns(stream(truth, REFERENCE_HOURS, 6))
    expected = fit_profile(data).at(data.hour)
    logit = np.log(0.2 / 0.8) + 0.3 * np.sin(2 * np.pi * data.hour / 24) - 0.2 * (day_of_week(data.hour) >= 5)
    assert np.abs(expected / (1 / (1 + np.exp(-logit))) - 1).max() < 0.15
    assert wander(data, expected_elsewhere(data)) == pytest.approx(0.15 * 0.16, rel=0.34)


def test_no_wander_is_found_where_there_is_none():
    """Noise of sampling is not taken for wander."""
    data = columns(stream(Truth(20_000, 0.2, 0.0), REFERENCE_HOURS, 7))
    assert wander(data, expected_elsewhere(data)) < 0.003


def test_clean_streams_stay_within_the_budget():
    """200 clean streams with conversations, season and wander page less than once in 90 days each, as promised.

    The upper 95% bound of the rate in 20 days of each is below the budget. Years of them are in docs/statistics.md.
    """
    days = 20
    rates = (0.005, 0.05, 0.3, 0.05)
    pages = [
        len(clean_run(Truth(1_000, rates[seed % 4], 0.1), threshold(1), seed, days * 24).pages) for seed in range(200)
    ]
    assert summed(0.1, pages, days * 24).upper / SERIES <= 1


def test_scores_are_watched_like_rates():
    """60 clean series of scores between 0 and 1 page no more than their budget; a rise by a tenth is found."""
    source, pages, days = np.random.default_rng(10), 0, 20
    hours = REFERENCE_HOURS + days * 24

    def scores(rise):
        level = np.repeat(0.3 + 0.05 * np.sin(np.arange(hours) * 2 * np.pi / 24), 4)
        level[REFERENCE_HOURS * 4 + 40 :] += rise
        means = np.round(source.beta(6 * level, 6 * (1 - level)), 3).reshape(hours, 4).tolist()
        return [bin_of(hour, [[mean] for mean in row]) for hour, row in enumerate(means)]

    for name in range(60):
        found = scores(0.0)
        pages += len(through(begin(str(name), learn(found[:REFERENCE_HOURS]), threshold(1), REFERENCE_HOURS - 1),
                             found[REFERENCE_HOURS:])[1])  # fmt: skip
    assert pages <= 60 * days / 90
    found = scores(0.1)
    risen = begin("risen", learn(found[:REFERENCE_HOURS]), BUDGET, REFERENCE_HOURS - 1)
    assert [page.direction for page in through(risen, found[REFERENCE_HOURS:])[1]][:1] == ["up"]


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_a_month_without_a_hit_is_no_zero(constant):
    """A reference of only 0 (or only 1) carries an alarm: two odd conversations in a day are no page, a flood is."""
    usual, odd = [[constant] * 3] * 5, [[constant] * 3] * 4 + [[1 - constant] * 3]
    base = learn([bin_of(hour, usual) for hour in range(REFERENCE_HOURS)])
    start = begin("s", base, BUDGET, REFERENCE_HOURS - 1)
    day = range(REFERENCE_HOURS, REFERENCE_HOURS + 24)
    assert not through(start, [bin_of(hour, odd if hour % 12 == 0 else usual) for hour in day])[1]
    assert through(start, [bin_of(hour, odd) for hour in day])[1]


def test_one_shift_is_found_and_named():
    """A jump of five points at 10,000 events a day is found within two days in each of five streams."""
    assert max(delay(Truth(), BUDGET, seed, 0.05) for seed in range(5)) <= 48


def test_the_visible_shift_is_seen_in_a_week():
    """Of twelve streams shifted by what the alarm is said to see in a week, at least a third page within it."""
    base = learn(stream(Truth(), REFERENCE_HOURS, 8))
    assert isinstance(base, Baseline)
    shift = visible_shift(base, BUDGET)
    assert 0.005 < shift < 0.03
    found = [delay(Truth(), BUDGET, seed, shift) <= 168 for seed in range(12)]
    assert np.mean(found) >= 1 / 3
    assert visible_shift(base, BUDGET, 24) > shift > visible_shift(base, BUDGET, 30 * 24)
    assert visible_shift(base, 1e300, 1) == 1.0


def test_an_app_pages_on_the_mean_and_names_the_series():
    """One of five series shifts: the app's alarm pages after the shift with that series first."""
    hours = ONSET + 72
    watches, live = {}, {}
    for number in range(5):
        shift = step_shift(hours, ONSET, 0.06) if number == 3 else 0.0
        rows = stream(Truth(3_000), hours, [9, number], shift)
        watches[f"s{number}"] = begin(f"s{number}", learn(rows[:REFERENCE_HOURS]), NEVER, REFERENCE_HOURS - 1)
        live[f"s{number}"] = rows[REFERENCE_HOURS:]
    for hour in range(hours - REFERENCE_HOURS):
        watches = {name: step(watch, live[name][hour]).watch for name, watch in watches.items()}
        page = app_page({name: watch.state for name, watch in watches.items()}, 1)
        if page:
            break
    assert hour + REFERENCE_HOURS >= ONSET
    assert page.series[0] == "s3"
    assert page.evidence >= page.threshold == 1.0
    assert app_page({name: restarted(watch.state) for name, watch in watches.items()}, 1) is None


def bins_until_proven(rate, expected, change, runs, cap):
    """How many bins it takes until a series is taken for recovered, in each run; ``cap`` at most."""
    source = np.random.default_rng(8)
    found = []
    for _ in range(runs):
        state, hour = Recovery(change / 2, BINS), 0
        while not state.proven and hour < cap:
            hour += 1
            state = recovering(state, bin_of(hour, ([float(x)] for x in source.random(20) < rate)), expected, expected)
        found.append(hour)
    return np.array(found)


@pytest.mark.parametrize(("expected", "change"), [(0.05, 0.2), (0.4, -0.3)])
def test_half_a_change_is_no_recovery(expected, change):
    """While half of it is left it takes a week of hours on average or more; once all is back, a day suffices."""
    still = bins_until_proven(expected + change / 2, expected, change, 40, 500)
    assert still.mean() - 2 * still.std() / np.sqrt(len(still)) >= BINS
    assert np.median(bins_until_proven(expected, expected, change, 20, 500)) <= 24


def test_what_prompts_are_about_pages_within_the_budget_while_nothing_changes():
    """Twenty clean months, at two wanders: series about topics page no more often than once in 90 days, nor do both."""
    months = [year(seed, 28 * 24) for seed in range(0, 40, 2)]
    assert all(sum(month[limit] for month in months) <= 20 * 28 / 90 for limit in LIMITS)
