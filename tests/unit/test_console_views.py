"""Reviews as the page gets them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.guard import Hit
from guards.masking import mask
from streams.console.views import details, spans, summary
from tests.fixtures.stored_reviews import NOW, found, review, sample

MAIL = "Mail z@example.org or 555 0100 now, you idiot"
MASKED = "Mail <EMAIL_ADDRESS> or <PHONE_NUMBER> now, you idiot"


def placed(label, text, **changes):
    """A finding of this text in the original."""
    start = MAIL.index(text)
    return span(label, start, start + len(text), **changes)


def span(label, start, end, guard="pii", **changes):
    return found(label=label, guard=guard, start=start, end=end, **changes)


def marked(text, *findings):
    return [text[each["start"] : each["end"]] for each in spans(text, findings)]


def test_placeholders_and_other_spans_are_marked():
    """Placeholders are where they are, and what comes after them has moved."""
    insult = placed("insult", "you idiot", guard="toxicity", kind="score", action="flag")
    phone, mail = placed("PHONE_NUMBER", "555 0100"), placed("EMAIL_ADDRESS", "z@example.org")
    assert marked(MASKED, insult, phone, mail) == ["<EMAIL_ADDRESS>", "<PHONE_NUMBER>", "you idiot"]


def test_a_wrong_mark_is_worse_than_none():
    """Where something was masked that is no finding, offsets do not fit, and only what is sure is marked."""
    insult = placed("insult", "you idiot", guard="toxicity", kind="score", action="flag")
    assert marked(MASKED, placed("PHONE_NUMBER", "555 0100"), insult) == []
    assert marked("short", insult) == []
    assert marked("you idiot", found(guard="toxicity", start=None, end=None)) == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=6), st.integers(0, 45))
def test_marks_fit_the_masking(places, at):
    """Whatever is masked, placeholders are marked where masking put them, and a later word where it has gone."""
    text = "".join(chr(0x4E00 + n) for n in range(60))
    ends, hits = 0, []
    for start, length in sorted(places):
        if start >= ends + 1:
            hits.append(Hit("X", 0.9, start, start + length))
            ends = start + length
    masked = mask(text, hits)
    word = span("insult", at, at + 2, guard="toxicity", kind="score", action="flag")
    shown = marked(masked, *(span("X", hit.start, hit.end) for hit in hits), word)
    assert shown[: len(hits)] == ["<X>"] * len(hits)
    if all(hit.end <= at or hit.start >= at + 2 for hit in hits):
        assert shown[len(hits) :] == [text[at : at + 2]]


def test_what_is_read_blindly_shows_no_findings():
    """Neither findings nor marks are given away where two people are to judge for themselves."""
    shown = details(sample(wanted=2), NOW)
    assert (shown["blind"], shown["findings"], [each["spans"] for each in shown["passages"]]) == (True, [], [[], []])
    open_one = details(sample(wanted=1), NOW)
    assert (open_one["blind"], len(open_one["findings"])) == (False, 2)
    presets = {each["name"]: each["preset"] for each in open_one["questions"]}
    assert (presets["toxicity"], presets["relevant"], presets["correct"]) == (False, True, None)


def test_a_line_of_the_queue():
    """A hold says how long it waits, a sample why it was drawn; the text is its beginning."""
    assert summary(review(), 1, NOW)["left"] == timedelta(minutes=55).total_seconds()
    line = summary(sample(), 3, NOW)
    assert (line["left"], line["stratum"], line["alike"], line["text"]) == (None, "near", 3, "Goethe did, in 1808.")


@pytest.mark.parametrize("side", ["prompt", "response"])
def test_what_is_held_is_told(side):
    """The passage that waits is told from the others."""
    held = {each["side"] for each in details(review(side=side), NOW)["passages"] if each["held"]}
    assert held == ({side} if side == "prompt" else set())
