import json

import pytest

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store, pytest.mark.weights,
    pytest.mark.timeout(300), pytest.mark.xdist_group("stack"),
]  # fmt: skip
MODEL = "smollm2-135m"


def test_the_demo_accounts_for_everything(stack):
    """Every event of the demo ends once, in a verdict or a dead letter; every guard and action has its share."""
    summary = json.loads(stack.weir("demo", "--exit", "--json", "--rate", "60"))
    assert summary["interactions"] >= 300
    assert (summary["missing"], summary["duplicates"]) == (0, 0)
    came_in = summary["interactions"] + summary["requests"]
    assert came_in == summary["verdicts"] + summary["dead_letters"] + summary["repeats"]
    assert {"pii", "secrets", "toxicity", "injection", "relevance", "groundedness"} <= summary["guards"].keys()
    assert all(summary["actions"][action] for action in ("allow", "flag", "redact", "block"))
    assert len({example["kind"] for example in summary["examples"]}) == 5
