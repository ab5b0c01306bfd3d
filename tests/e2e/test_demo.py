import json

import pytest

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store, pytest.mark.weights,
    pytest.mark.timeout(900),
]  # fmt: skip


def test_the_demo_accounts_for_everything(stack):
    """Every event ends once, every request is answered once; every guard, action and kind of reply has its share."""
    summary = json.loads(stack.weir("demo", "--exit", "--json", "--rate", "60", seconds=800))
    assert summary["interactions"] >= 300
    assert summary["requests"] >= 200
    assert (summary["missing"], summary["duplicates"]) == (0, 0)
    assert summary["replies"] == sum(summary["statuses"].values())
    # Two requests come twice under their ids, and one cannot be read: they have no reply of their own.
    assert summary["requests"] - summary["replies"] == 3
    assert all(summary["statuses"].get(status) for status in ("delivered", "withheld", "error"))
    assert [step["stage"] for step in summary["story"]] == ["requests", "screen", "infer", "judge", "settle"]
    assert {"pii", "secrets", "toxicity", "injection", "relevance", "groundedness"} <= summary["guards"].keys()
    assert all(summary["actions"][action] for action in ("allow", "flag", "redact", "block"))
    assert len({example["kind"] for example in summary["examples"]}) == 5
    streamed = summary["streamed"]
    assert streamed["pieces"] > 0
    assert (streamed["status"], streamed["retracted"]) == ("delivered", False)  # this model quotes nothing
    check_the_shift(summary["shift"])


def check_the_shift(shift):
    """A model that turns toxic and a language that gets worse answers are paged, by name, soon; nothing else is."""
    assert shift["passed"], shift
    assert {(page["app"], page["alertname"]) for page in shift["pages"]} == {
        ("demo-shop", "WeirResponseToxicity"), ("demo-bank", "WeirIrrelevance"),
    }  # fmt: skip
    segments = {page["app"]: page["segment"] for page in shift["pages"]}
    assert segments["demo-shop"] == "model atlas-8"
    widths = [each["limits"]["high"] - each["limits"]["low"] for each in shift["labelled"]]
    assert widths == sorted(widths, reverse=True)
