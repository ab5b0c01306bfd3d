"""A chaos run sees what is lost, double or strange."""

from dataclasses import replace

import pytest

from tests.chaos.account import Faults, Found, compare
from tests.chaos.traffic import Sent

SENT = Sent(
    requests=frozenset({"r1", "r2"}),
    interactions=frozenset({"i1"}),
    garbage=frozenset({("weir.requests", 0, 7)}),
    messages=6,
    feedback=frozenset({"f1"}),
    labels=frozenset({"l1"}),
)
FIRST = {("observe", "i1"): 1, ("collect", "f1"): 1, ("label", "l1"): 1}
GOOD = Found(
    finals={"r1": ["a"], "r2": ["b"]},
    settled={"r1": "a", "r2": "b"},
    verdicts={("screen", "r1"): 1, ("screen", "r2"): 1, ("judge", "r1"): 1, **FIRST},
    letters={("weir.requests", 0, 7): 1},
    audited=True,
)


@pytest.mark.parametrize(
    ("changes", "lost", "double", "strange"),
    [
        ({}, 0, 0, 0),
        ({"finals": {"r1": ["a"], "r2": []}}, 1, 0, 0),
        ({"finals": {"r1": ["a", "c"], "r2": ["b"]}}, 0, 1, 0),
        ({"finals": {"r1": ["c"], "r2": ["b"]}}, 0, 0, 1),
        ({"settled": {"r1": "a"}}, 0, 0, 1),
        ({"settled": {**GOOD.settled, "r9": "z"}}, 0, 0, 1),
        ({"verdicts": {("screen", "r1"): 1, ("screen", "r2"): 1}}, 3, 0, 0),
        ({"verdicts": {**GOOD.verdicts, ("collect", "f1"): 2}}, 0, 1, 0),
        ({"verdicts": {**GOOD.verdicts, ("collect", "f9"): 1}}, 0, 0, 1),
        ({"verdicts": {**GOOD.verdicts, ("screen", "r2"): 2}}, 0, 1, 0),
        ({"verdicts": {**GOOD.verdicts, ("judge", "r1"): 3}}, 0, 2, 0),
        ({"verdicts": {**GOOD.verdicts, ("observe", "i9"): 1}}, 0, 0, 1),
        ({"letters": {}}, 1, 0, 0),
        ({"letters": {("weir.requests", 0, 7): 2}}, 0, 1, 0),
        ({"audited": False}, 0, 0, 1),
    ],
)
def test_every_kind_of_fault_is_seen(changes, lost, double, strange):
    """Each departure from one final reply, one verdict a stage and one dead letter is counted where it belongs."""
    assert compare(SENT, replace(GOOD, **changes)) == Faults(lost, double, strange)
