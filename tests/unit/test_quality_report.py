import json

import numpy as np
import pytest
import yaml

from monitors.intervals import UNKNOWN
from monitors.thresholds import Costs, TooFew
from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.policy_file import parse_policy
from streams.quality.calibration import patched, pick, row
from streams.quality.plots import write_plots
from streams.quality.rendering import figure
from streams.quality.report import labellings, qualities, to_json
from streams.quality.scoring import Example

POLICY = Policy.model_validate(
    {
        "id": "p",
        "version": 3,
        "prompt": {"toxicity": {"flag": 0.5, "block": 0.9, "labels": {"threat": {"flag": 0.4}}}},
        "response": {"relevance": {"flag": 0.2}},
    }
)


def example(value, bad, label="toxicity", guard="toxicity", side="prompt", number=1, **kinds):
    true = bad != (guard == "relevance")
    return Example(label, guard, side, value, true, kinds, number, f"text {number}")


def normal(count, **more):
    """Bad texts around .7, good ones around .3."""
    source = np.random.default_rng(0)
    for bad, middle in ((True, 0.7), (False, 0.3)):
        for value in np.clip(source.normal(middle, 0.12, count), 0, 1):
            yield example(round(1 - value if more.get("guard") == "relevance" else value, 6), bad, **more)


def test_figures_by_kind():
    """All first, then slices, languages and sources; a kind with one sort of text has no area but shares."""
    examples = [
        example(0.95, True, slice="b", source="x"),
        example(0.6, True, slice="a"),
        example(0.1, False, slice="a", language="en"),
        example(0.55, False, slice="a"),
        example(None, True, slice="a"),
    ]
    (labelling,) = labellings(examples)
    found = {quality.group: quality for quality in qualities(labelling, POLICY)}
    assert list(found) == ["all", "slice=a", "slice=b", "language=en", "source=x"]
    whole = found["all"]
    assert (whole.bad, whole.good, whole.failed, whole.area.value) == (2, 2, 1, 1.0)
    assert [(p.action, p.recall.value, p.false_alarms.value) for p in whole.passed] == [
        ("flag", 1.0, 0.5),
        ("block", 0.5, 0.0),
    ]
    assert found["slice=b"].area == UNKNOWN
    assert json.loads(json.dumps(to_json(whole)))["area"]["value"] == 1.0


def test_low_is_bad_where_the_guard_says_so():
    """Of relevance, what scores low is to be found."""
    (labelling,) = labellings(normal(100, label="relevance", guard="relevance", side="response"))
    quality = next(qualities(labelling, POLICY))
    assert quality.area.value > 0.95
    assert quality.passed[0].recall.value > quality.passed[0].false_alarms.value


def test_the_worst_errors():
    """What is bad and scores low, and what is good and scores high, worst first."""
    (labelling,) = labellings([example(v / 10, bool(v % 2), number=v) for v in range(10)])
    missed, alarms = labelling.worst(2)
    assert ([e.number for e in missed], [e.number for e in alarms]) == ([1, 3], [8, 6])


def test_figures_are_short():
    """A figure is value and interval, a dash where nothing is known."""
    (labelling,) = labellings([example(0.9, True), example(0.1, False)])
    assert figure(next(qualities(labelling, POLICY)).area).startswith("1 (")
    assert figure(UNKNOWN) == "-"


@pytest.mark.parametrize("form", ["svg", "png"])
def test_pictures(tmp_path, form):
    """A label with both kinds has three pictures, the same bytes each time; one kind alone has none."""
    (labelling,) = labellings(normal(20))
    paths = write_plots(labelling, tmp_path / "plots", form)
    assert [path.name for path in paths] == [f"toxicity-prompt-{kind}.{form}" for kind in ("roc", "pr", "reliability")]
    assert all(path.stat().st_size > 1000 for path in paths)
    (one_kind,) = labellings([example(0.5, True)])
    assert write_plots(one_kind, tmp_path) == []


def test_thresholds_become_a_policy():
    """The policy with new thresholds has a higher version, is valid, and differs in nothing else."""
    (labelling,) = labellings(normal(400))
    picked = pick(labelling, {"flag": 0.1, "block": 0.01})
    after = parse_policy(patched(POLICY, picked, ["why"]), "x.yaml")
    rule = after.prompt["toxicity"]
    assert (after.version, rule.flag, rule.block) == (4, picked[0].threshold, picked[1].threshold)
    assert rule.labels == POLICY.prompt["toxicity"].labels
    assert after.response == POLICY.response
    flagged = [e for e in labelling.examples if not e.bad and e.value >= rule.flag]
    assert len(flagged) / 400 == picked[0].outcome.rate.value <= 0.1


def test_a_fine_label_starts_as_its_rule():
    """A threshold for a label that shared its guard's keeps the other steps of the guard."""
    (labelling,) = labellings(normal(400, label="insult"))
    after = yaml.safe_load(patched(POLICY, pick(labelling, {"flag": 0.1})))
    assert after["prompt"]["toxicity"]["labels"]["insult"]["block"] == 0.9


def test_a_threshold_where_low_is_bad():
    """For relevance what lies strictly below the threshold is flagged: just the share that was promised."""
    (labelling,) = labellings(normal(400, label="relevance", guard="relevance", side="response"))
    (picked,) = pick(labelling, {"flag": 0.05})
    flagged = [e for e in labelling.examples if not e.bad and e.value < picked.threshold]
    assert len(flagged) / 400 == pytest.approx(picked.outcome.rate.value)
    assert 0 < picked.outcome.rate.value <= 0.05


def test_too_few_labels_leave_the_policy_alone():
    """Without enough labels there is no threshold, and the row says how many it takes."""
    (labelling,) = labellings(normal(50))
    picked = pick(labelling, {"flag": 0.01, "block": Costs(5, 1, 0.1)})
    assert picked[0].outcome == TooFew("good", 50, 299)
    assert row(picked[0])[-1] == "50 good texts, 299 needed"
    assert "block" in yaml.safe_load(patched(POLICY, picked))["prompt"]["toxicity"]


def test_contradicting_thresholds_are_refused():
    """A flag above the block that stays is no policy."""
    (labelling,) = labellings([example(0.95, False, number=n) for n in range(400)] + [example(0.99, True)])
    with pytest.raises(ConfigError, match="stricter action needs a more extreme threshold"):
        patched(POLICY, pick(labelling, {"flag": 0.05}))
