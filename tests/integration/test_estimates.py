"""From traffic whose truth is known to estimates: policy, draw, store, labels and SQL as they are wired."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import numpy as np
import pytest

from monitors.sampling import Sampler
from schemas.label import Label, label_id
from schemas.policy import Policy
from schemas.sampling import SamplingPlan
from schemas.verdict import Judgement
from streams.cli import app
from streams.estimates.figures import Period, read_figures
from streams.estimates.rendering import percent
from streams.estimates.storing import renew
from streams.sampling.plans import NOTICE, PlanBook
from streams.sampling.selection import Selector
from streams.store.columns import judgement_values, log_values
from streams.store.rows import verdict_row
from streams.store.served_rows import label_row
from tests.fixtures.store_rows import finding, message, side, verdict
from tests.fixtures.store_side import count

pytestmark = pytest.mark.store

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
PERIOD = Period(DAY, DAY + timedelta(days=1))
POLICY = Policy.model_validate(
    {
        "id": "default", "version": 3, "prompt": {"toxicity": {"flag": 0.6}},
        "sampling": {
            "review": 0.1, "second": 0.4,
            "strata": [
                {"name": "near", "near": 0.15, "rate": 0.5}, {"name": "flagged", "actions": ["flag"], "rate": 0.4},
            ],
        },
    }
)  # fmt: skip
NAMESPACE = UUID(int=8)
WRONG = 0.03  # of the labels


class Traffic:
    """Verdicts of apps whose truth is known, drawn as the policy says, and labels by readers who may be wrong."""

    def __init__(self, apps, events, seed):
        self.rng = np.random.default_rng(seed)
        self.rows, self.labels, self.truth = [], [], {}
        base = verdict_row(verdict(), log_values(message(verdict()), "ids"))
        plans = PlanBook()
        noon = DAY + timedelta(hours=12)
        plans.take(SamplingPlan(policy="default", begins_at=noon, factor=0.5, expected=9, budget=1), noon - NOTICE)
        selector = Selector(Sampler(b"secret", "review"), plans)
        for number in range(apps):
            name = f"app-{number}"
            bad = self.rng.random(events) < 0.1
            scores = np.where(bad, self.rng.beta(4, 2, events), self.rng.beta(1.2, 6, events))
            flagged = scores >= 0.6
            self.truth[name] = {
                "prevalence": bad.mean(), "precision": bad[flagged].mean(), "recall": flagged[bad].mean(),
                "accuracy": (bad == flagged).mean(),
            }  # fmt: skip
            for event in range(events):
                came = DAY + timedelta(hours=24 * event / events)
                row = {**base, "app": name, "model": "new" if event % 2 else "old"}
                self._add(row, selector, uuid5(NAMESPACE, f"{name}/{event}"), came, (float(scores[event]), bad[event]))

    def _add(self, base, selector, verdict_id, came, truth):
        (score, bad), name = truth, base["app"]
        hit = finding(guard="toxicity", label="toxicity", kind="score", score=score, threshold=0.6, action="flag",
                      start=None, end=None)  # fmt: skip
        found = (hit,) if score >= 0.6 else ()
        action = "flag" if found else "allow"
        judged = Judgement(action=action, prompt=side("x", action=action, scores={"toxicity": score}, findings=found))
        drawn = selector.select(verdict_id, "observe", POLICY, judged, came)
        at = int(came.timestamp() * 1000)
        self.rows.append(
            {
                **base, **judgement_values(judged), "verdict_id": verdict_id, "source_time": at,
                "log_time": at, "action": action, "review_stratum": drawn.stratum, "review_rate": drawn.rate,
                "review_probability": drawn.probability, "review_sampled": drawn.sampled, "log_offset": len(self.rows),
            }
        )  # fmt: skip
        if drawn.sampled:
            self._label(verdict_id, name, came, bad, drawn.readings)

    def _label(self, verdict_id, name, came, bad, readings):
        """What one or two readers say, and a third where two differ."""
        says = [bool(bad != (self.rng.random() < WRONG)) for _ in range(3)]
        told = says[:readings] if readings == 1 or says[0] == says[1] else says
        for second, (reader, answer) in enumerate(zip(("ann", "bob", "cy"), told, strict=False)):
            made = Label(
                label_id=label_id(verdict_id, reader), review_id=verdict_id, verdict_id=verdict_id, app=name, by=reader,
                answers={"toxicity": answer}, blind=readings > 1, opened_at=came,
                labelled_at=came + timedelta(seconds=second),
            )  # fmt: skip
            self.labels.append(label_row(made, log_values(message(verdict(), len(self.labels)), "labels")))

    def store(self, store, token, shift=0):
        for table, rows in (("verdicts", self.rows), ("labels", self.labels)):
            moved = [{**row, "log_offset": row["log_offset"] + shift} for row in rows]
            for start in range(0, len(moved), 20_000):
                store.insert(table, moved[start : start + 20_000], f"{token}/{table}/{start}")


def limits(figures):
    return {(each.app, each.measure): each.quality.estimate.interval for each in figures}


def test_the_truth_is_in_the_intervals(store):
    """30 apps, 1,000 events each, a plan that halves the rates at noon, labels 3% of which are wrong: all of it counts.

    Each figure's interval holds the truth in about 95% of apps; the share of the sample alone, unweighted, in few.
    """
    traffic = Traffic(30, 1_000, seed=7)
    traffic.store(store, "once")
    figures = read_figures(store, PERIOD)
    assert len(figures) == 30 * 4
    found, held = limits(figures), {}
    for (name, measure), interval in found.items():
        truth = traffic.truth[name][measure]
        held.setdefault(measure, []).append(interval.low - 1e-9 <= truth <= interval.high + 1e-9)
    assert {measure: len(each) for measure, each in held.items()} == dict.fromkeys(traffic.truth["app-0"], 30)
    assert all(sum(each) >= 27 for each in held.values()), {m: sum(each) for m, each in held.items()}
    prevalence = [each for each in figures if each.measure == "prevalence"]
    assert all(0.01 < each.quality.noise < 0.06 for each in prevalence)
    unweighted = [each.quality.bad / each.quality.read for each in prevalence]
    covered = sum(
        found[each.app, "prevalence"].low <= share <= found[each.app, "prevalence"].high
        for each, share in zip(prevalence, unweighted, strict=True)
    )
    assert covered < 10
    traffic.store(store, "twice", shift=100_000)
    assert limits(read_figures(store, PERIOD)) == found


def test_models_and_periods_are_told_apart(store):
    """A figure is of one app, model and period; what lies outside is not in it. They are stored, and renewed."""
    traffic = Traffic(1, 400, seed=1)
    traffic.store(store, "one")
    both = read_figures(store, PERIOD, "app-0", by_model=True)
    assert {each.model for each in both} == {"old", "new"}
    assert sum(each.quality.seen for each in both if each.measure == "prevalence") == 400
    early = read_figures(store, Period(DAY, DAY + timedelta(hours=12)))
    assert {each.quality.seen for each in early if each.measure == "prevalence"} == {200}
    assert read_figures(store, PERIOD, "another") == ()
    stored = renew(store, datetime.now(UTC))
    assert stored == 12
    renew(store, datetime.now(UTC) + timedelta(seconds=1))
    assert count(store, "v_estimates") == 12
    (row,) = store.select("SELECT * FROM v_estimates WHERE model = '' AND measure = 'recall'")
    assert row["low"] <= row["value"] <= row["high"]
    assert (row["app"], row["question"], row["confidence"], row["method"]) == ("app-0", "toxicity", 0.95, "MOVER-R")


def test_questions_about_responses(store):
    """Relevance is the share that people find relevant; its guard is judged by them; correctness has no guard."""
    rows, answers = [], []
    for n in range(100):
        off = (finding(guard="relevance", label="relevance", action="flag", kind="score"),) if n < 10 else ()
        one = verdict(
            f"e{n}", verdict_id=UUID(int=n + 1), review_stratum="rest", review_rate=1.0, review_probability=1.0,
            review_sampled=True, judgement=Judgement(
                action="flag" if off else "allow",
                response=side(scores={"relevance": 0.1 if off else 0.8}, findings=off),
            ),
        )  # fmt: skip
        log = log_values(message(one, n), "ids")
        rows.append({**verdict_row(one, log), "source_time": int(DAY.timestamp() * 1000)})
        said = Label(
            label_id=UUID(int=n + 1), review_id=UUID(int=n + 1), verdict_id=one.verdict_id, app="shop", by="ann",
            answers={"relevant": n >= 20, "correct": n >= 50, "pii.EMAIL_ADDRESS": False, "refusal": False},
            opened_at=DAY, labelled_at=DAY,
        )  # fmt: skip
        answers.append(label_row(said, log))
    store.insert("verdicts", rows, "v")
    store.insert("labels", answers, "l")
    found = {(each.question, each.measure): each.quality for each in read_figures(store, PERIOD)}
    value = {key: quality.estimate.value for key, quality in found.items()}
    assert value["relevant", "relevance"] == pytest.approx(0.8)
    assert (value["relevant", "precision"], value["relevant", "recall"]) == (1.0, pytest.approx(0.5))
    assert value["correct", "correctness"] == pytest.approx(0.5)
    assert ("correct", "recall") not in value
    assert value["pii.EMAIL_ADDRESS", "prevalence"] == 0
    assert not [question for question, _ in found if question == "refusal"]  # it read none of these


def test_the_command_line(store, database_settings, monkeypatch, capsys):
    """A table for people, a line of JSON a figure for programs, and one clear sentence where there is nothing."""
    changes = {"clickhouse_url": database_settings.clickhouse_url, "database": database_settings.database}
    for name, setting in {**changes, "home": "/nonexistent"}.items():
        monkeypatch.setenv(f"WEIR_{name.upper()}", setting)

    def weir(*arguments):
        app(["estimates", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    assert "weir review next" in weir()
    traffic = Traffic(1, 300, seed=2)
    for row in traffic.rows:
        row["source_time"] = row["log_time"] = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000)
    traffic.store(store, "cli")
    table = weir("--store")
    assert all(word in table for word in ("toxicity", "precision", "recall", "accuracy", "95% interval", "app-0"))
    figures = [json.loads(line) for line in weir("--json", "--by-model").splitlines()]
    assert {each["model"] for each in figures} == {"old", "new"}
    assert all(each["low"] <= each["high"] for each in figures)
    assert count(store, "v_estimates") == 4
    assert (percent(0.5), percent(0.0), percent(0.0042), percent(0.9999), percent(1.0)) == (
        "50.0%", "0.0%", "0.42%", "99.99%", "100.0%",
    )  # fmt: skip
