"""The how-to is code that runs: its guard satisfies the contract on its own examples."""

import re
from pathlib import Path

import pytest

from guards.exchange import Exchange
from guards.guard import Passage, Side
from guards.pipeline import Case, Pipeline
from schemas.conversation import Message
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-guard.md").read_text()
BLOCKS = re.findall(r"(?<!<!-- not run -->\n)```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def page():
    """What the page defines, its code run block after block."""
    names = {}
    for block in BLOCKS:
        exec(compile(block, "add-a-guard.md", "exec"), names)
    return names


def test_the_guard_of_the_page_agrees_with_its_examples(page):
    """Every example of the page is judged as it says, by a policy with a threshold."""
    pipeline = Pipeline([page["ShoutingGuard"]()], CountingEncoder())
    texts = list(page["EXAMPLES"])
    cases = [Case(Exchange(prompt=(Message(role="user", content=text),)), Policy(id="p", version=1)) for text in texts]
    scores = [judgement.prompt.scores["shouting"] for judgement in pipeline.judge(cases)]
    assert {text: score >= 0.8 for text, score in zip(texts, scores, strict=True)} == page["EXAMPLES"]


@pytest.mark.parametrize("text", ["\0" * 10, "\ud800 \ud83d", "😀" * 10_000, "A" * 100_000, "\u0130STANBUL ß ǅ"])
def test_the_guard_of_the_page_reads_anything(page, text):
    """Odd texts give fractions, not exceptions."""
    (reading,) = page["ShoutingGuard"]().read([Passage(text, Side.PROMPT)], {})
    assert 0 <= reading.scores["shouting"].value <= 1


def test_the_page_names_what_exists():
    """Files and names that the page sends people to are there."""
    root = Path(__file__).parents[2]
    for path in re.findall(r"`((?:guards|schemas|tests)/[\w/]+\.py)`", PAGE):
        assert path == "guards/shouting.py" or (root / path).exists()
    assert "LAST = {" in (root / "tests/integration/test_guards_contract.py").read_text()
