from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.sentences import sentences
from guards.smalltalk import SmallTalk
from guards.words import rarities, stem, stems, weight, words


@pytest.mark.parametrize(
    "family",
    [
        ("build", "builds", "building"),
        ("run", "running", "runs"),
        ("city", "cities"),
        ("create", "created", "creating"),
    ],
)
def test_forms_of_a_word_share_a_stem(family):
    """Endings do not matter."""
    assert len({stem(word) for word in family}) == 1


def test_short_words_stay():
    """A stem keeps three letters at least; a run of letters is cut."""
    assert [stem(word) for word in ("is", "bus", "a" * 100_000)] == ["is", "bus", "a" * 40]


def test_words_of_any_text():
    """Words in lower case; signs, NULs, emoji and lone surrogates are none."""
    assert words("Don\u2019t STOP, 42!\0\ud800👍 Straße_x") == ["don\u2019t", "stop", "42", "strasse", "x"]


def test_rare_words_weigh_more():
    """What is in every text tells little, what is in no table most."""
    assert weight("the") < weight(stem("movie")) < weight("zyxwv") == 1.0
    assert all(0 <= value <= 1 for value in rarities().values())
    assert all(stems(word) == [word] or len(stems(word)) == 1 for word in list(rarities())[:50])


SENTENCES = {
    "One. Two! Three?": ["One.", "Two!", "Three?"],
    "Version 1.5 is out. Get it.": ["Version 1.5 is out.", "Get it."],
    "J. Smith came.\nHe saw.": ["J. Smith came.", "He saw."],
    'He said "no." Then left.': ['He said "no."', "Then left."],
    "一つ。二つ。": ["一つ。", "二つ。"],
    "...": ["..."],
    " \n\t": [],
    "": [],
}


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences(text):
    """Where sentences begin and end."""
    assert [text[span.start : span.end] for span in sentences(text)] == SENTENCES[text]


@given(st.text(alphabet="aB .!?\n。'\ud800", max_size=60))
def test_sentences_keep_every_sign(text):
    """Spans are in order, do not overlap, and leave out nothing but space."""
    spans = sentences(text)
    assert "".join("".join(text[s.start : s.end].split()) for s in spans) == "".join(text.split())
    assert all(a.end <= b.start for a, b in pairwise(spans))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes.", True),
        ("42", True),
        ("👍", True),
        ("Not at all!", True),
        ("Hello! How can I help you today?", True),
        ("Could you clarify which city you mean?", True),
        ("Thank you very much.", True),
        ("Paris.", False),
        ("Hello, the warranty covers two years and excludes damage by water; see page four of the terms.", False),
        ("The train leaves at 9.", False),
    ],
)
def test_small_talk(text, expected):
    """Bare answers, greetings and questions back are small talk; what says something is not."""
    assert SmallTalk().is_one(text) is expected
