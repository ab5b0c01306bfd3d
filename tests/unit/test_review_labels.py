"""Labels, leases, questions and likeness: the pure parts of reviewing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitors.intervals import Interval
from schemas.errors import ConfigError
from schemas.label import Label, Lease, label_id
from streams.reviews.agreement import agreement, values
from streams.reviews.leases import LeaseBook
from streams.reviews.likeness import groups
from streams.reviews.questions import harmless, questions, read_answers
from streams.reviews.stored import Passage
from tests.fixtures.stored_reviews import found, sample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE = UUID(int=1)


def label(**changes):
    fields = {
        "label_id": label_id(ONE, "ann"), "review_id": ONE, "verdict_id": UUID(int=2), "app": "shop", "by": "ann",
        "answers": {"toxicity": True}, "opened_at": NOON, "labelled_at": NOON,
    }  # fmt: skip
    return Label.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"answers": {}}, "expected answers"),
        ({"skipped": True}, "expected answers"),
        ({"undone": True}, "expected answers"),
        ({"answers": {"relevance": True}}, "answer that one"),
        ({"answers": {"Not a name": True}}, "pattern"),
        ({"answers": {"pii.": True}}, "pattern"),
    ],
)
def test_a_label_says_something(changes, fault):
    """A label has answers to questions that there are, or says that there are none."""
    with pytest.raises(ValidationError, match=fault):
        label(**changes)


def test_a_note_stays_out_of_reprs():
    """What a reviewer wrote is not shown by accident."""
    assert "canary" not in repr(label(note="canary-4711"))
    assert label(answers={}, skipped=True).answers == {}
    assert label(answers={"pii.EMAIL_ADDRESS": False, "relevant": True}).by == "ann"


def lease(by, seconds=60, places=1):
    return Lease(review_id=ONE, by=by, places=places, seconds=seconds)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def test_the_first_in_the_log_has_it():
    """A review is one person's until the lease ends or is given back; the same person may renew it."""
    book = LeaseBook()
    assert book.take(lease("ann"), at(0))
    assert not book.take(lease("bob"), at(59))
    assert book.take(lease("ann"), at(59))
    assert not book.take(lease("bob"), at(118))
    assert book.take(lease("bob"), at(119))
    assert book.take(lease("bob", seconds=0), at(120))
    assert book.take(lease("cy"), at(121))
    assert set(book.holders(ONE, at(122))) == {"cy"}
    assert not book.holders(ONE, at(181))
    assert not book.holders(UUID(int=9), at(0))


def test_two_places():
    """A review that two people are to read may be with both, and not with a third."""
    book = LeaseBook()
    assert [book.take(lease(by, places=2), at(0)) for by in ("ann", "bob", "cy")] == [True, True, False]
    assert book.take(lease("ann", seconds=0), at(1))
    assert book.take(lease("cy", places=2), at(2))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 100), st.integers(0, 30), st.integers(1, 3)), max_size=40
    )
)
def test_never_more_than_there_are_places(steps):
    """Whatever is asked for, when a lease is granted no more have the review than its asker allows."""
    book, now = LeaseBook(), 0
    for by, seconds, pause, places in steps:
        now += pause
        granted = book.take(lease(by, seconds, places), at(now))
        holders = book.holders(ONE, at(now))
        assert not granted or seconds == 0 or (by in holders and len(holders) <= places)
        assert seconds != 0 or by not in holders


def test_what_is_asked():
    """Every text is asked about what it may hold, a response about more, and what a guard found besides."""
    assert questions(sample()) == (
        "toxicity", "pii", "secrets", "injection", "groundedness", "leakage", "relevant", "correct",
    )  # fmt: skip
    prompt = sample(passages=(Passage("prompt", 0, "x"),), findings=(found(guard="subjects"), found(guard="relevance")))
    assert questions(prompt) == ("toxicity", "pii", "secrets", "injection", "subjects")
    answer = sample(passages=(Passage("prompt", 0, "x", beside=True), Passage("response", 0, "x")), findings=())
    assert questions(answer) == ("toxicity", "pii", "secrets", "groundedness", "leakage", "relevant", "correct")
    assert harmless(["toxicity", "relevant", "correct"]) == {"toxicity": False, "relevant": True}


def test_answers_as_they_are_typed():
    """Words become answers; what is none is named."""
    assert read_answers(["toxicity=yes", "pii.EMAIL_ADDRESS=NO", "relevant=y"]) == {
        "toxicity": True, "pii.EMAIL_ADDRESS": False, "relevant": True,
    }  # fmt: skip
    for word, fault in (("toxicity", "QUESTION=yes"), ("a=maybe", "QUESTION=yes"), ("relevance=no", "`relevant`"),
                        ("x y=no", "pattern")):  # fmt: skip
        with pytest.raises(ConfigError, match=fault):
            read_answers([word])


LONG = "The parcel that I ordered on Monday has not arrived, and nobody answers the telephone in your shop at all."


def test_texts_that_say_nearly_the_same():
    """Case, spaces and a word more do not matter; another matter does. What is like two others joins them."""
    texts = [LONG, "Who wrote Faust?", LONG.upper() + "  ", LONG + " Hello!", "who  wrote faust?", "مرحبا بالعالم", ""]
    assert groups(texts) == (0, 1, 0, 0, 1, 5, 6)
    assert groups([]) == ()


@given(st.lists(st.text(max_size=40), max_size=12))
def test_groups_are_consistent(texts):
    """Every text is in the group of the first of its kind, equal texts are in one, and the same texts group again."""
    found_groups = groups(texts)
    assert all(found_groups[group] == group <= index for index, group in enumerate(found_groups))
    assert all(found_groups[index] == found_groups[texts.index(text)] for index, text in enumerate(texts))
    assert groups(texts) == found_groups


def test_agreement_of_readings():
    """Kappa of the first two readers, alpha of all, and how many texts were disputed."""
    readings = [[True, True]] * 20 + [[False, False]] * 70 + [[True, False, False]] * 10
    both = agreement("toxicity", readings)
    assert (both.question, both.texts, both.disputed) == ("toxicity", 100, 10)
    assert both.cohen.value == pytest.approx(0.737, abs=0.001)  # (0.9 - 0.62) / (1 - 0.62)
    assert both.cohen.interval.low < 0.737 < both.cohen.interval.high
    assert 0.6 < both.krippendorff.value < 0.8
    (value,) = values([both])
    assert value["cohen"]["value"] == both.cohen.value
    one = agreement("pii", [[False, False]])
    assert (one.cohen.value, one.cohen.interval) == (None, Interval(-1.0, 1.0))
