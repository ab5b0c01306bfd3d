import pytest

from streams.rollout.difference import Difference, differences
from streams.rollout.register import Changed
from streams.rollout.rendering import change_text, comparison_text, entry, row
from streams.rollout.versions import Versions
from tests.fixtures.policies import policy, release


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, []),
        ({"version": 7}, []),
        ({"block": 0.95}, [("prompt.toxicity.block", "0.9", "0.95")]),
        ({"prompt": {"toxicity": {"block": 0.9, "on_error": "block"}}}, []),
        ({"prompt": {"toxicity": {"flag": 0.5}}}, [
            ("prompt.toxicity.block", "0.9", None),
            ("prompt.toxicity.flag", None, "0.5"),
            ("prompt.toxicity.on_error", "block", "flag"),
        ]),
        ({"apps": ("shop", "bank")}, [("apps", "shop", "shop, bank")]),
        ({"default": True}, [("default", "false", "true")]),
        ({"max_chars": 5, "sampling": {"review": 0.1}}, [
            ("max_chars", "100000", "5"), ("sampling.review", "0", "0.1"),
        ]),
        ({"retention": {"days": 30}}, [("retention.days", None, "30")]),
        ({"description": "\x1b[2J"}, [("description", None, '"\\u001b[2J"')]),
    ],
)  # fmt: skip
def test_differences_are_in_what_a_policy_does(keys, expected):
    """Only keys that change what happens are named, defaults included, in a policy's order."""
    found = differences(policy(), policy(**{"version": 2, **keys}))
    assert sorted(found, key=lambda each: each.key) == [Difference(*each) for each in expected]


def test_keys_of_a_guard_stand_together():
    """Keys come in a policy's order, whatever is set and unset, the guards of a side each together."""
    rules = {"toxicity": {"flag": 0.5}, "pii": {"flag": 0.5}}
    found = differences(policy(max_chars=5), policy(2, prompt=rules, response=rules))
    assert [".".join(each.key.split(".")[:2]) for each in found] == [
        "max_chars", *["prompt.pii"] * 2, *["prompt.toxicity"] * 3, *["response.pii"] * 2, *["response.toxicity"] * 2
    ]  # fmt: skip


def test_labels_and_ignored_labels_are_compared():
    """Steps of single labels and labels that are ignored are keys like others."""
    rule = {"block": 0.9, "labels": {"threat": {"flag": 0.5}}, "ignore": ["insult", "obscene"]}
    found = differences(policy(), policy(2, prompt={"toxicity": rule}))
    assert {(each.key, each.after) for each in found} == {
        ("prompt.toxicity.labels.threat.flag", "0.5"),
        ("prompt.toxicity.ignore", "insult, obscene"),
    }


def test_a_comparison_as_text():
    """One key a line, as `key before → after`."""
    text = comparison_text(policy(), policy(2, 0.8)).plain
    assert "prompt.toxicity.block  0.9 → 0.8" in text
    assert "do the same" in comparison_text(policy(), policy(2)).plain


def test_a_change_as_text():
    """A change says what is in force and on trial now, and what is different."""
    before = Versions("shop", policy())
    after = Versions("shop", policy(), release(policy(), {"policy": policy(2, 0.8), "mode": "share", "share": 0.07}))
    text = change_text(Changed(before, after)).plain
    assert text.startswith("shop: in force: 1, on trial: 2 (7%)\n")
    assert "0.9 → 0.8" in text


def test_a_policy_as_a_row_and_for_programs():
    """A table's row and the JSON entry say where each version stands."""
    versions = Versions(
        "shop", policy(9), release(policy(2), {"policy": policy(3, 0.8), "mode": "shadow"}, (policy(1),))
    )
    assert row(versions) == ("shop", "2 (a file has 9)", "3 (shadow)", "1", "shop", "2026-01-02 03:04:05", "ann")
    made = entry(versions)
    assert (made["current"]["version"], made["candidate"]["mode"], made["history"][0]["version"]) == (2, "shadow", 1)
    assert row(Versions("shop", policy(1)))[-1] == "files"
    assert entry(Versions("shop", policy(1)))["candidate"] is None
