from dataclasses import dataclass

import pytest

from guards.guard import Passage, Side
from guards.pii import PiiGuard
from guards.pii.tagging import hits_of
from tests.fixtures.styles import wide


@dataclass(frozen=True)
class Tagged:
    label: str
    score: float
    start: int
    end: int


class WordTagger:
    """Finds the words that it is told, with a score of .8."""

    version = "words"

    def __init__(self, words):
        self._words = words

    def tag(self, texts):
        return [
            sorted(
                (
                    Tagged(label, 0.8, text.index(word), text.index(word) + len(word))
                    for word, label in self._words.items()
                    if word in text
                ),
                key=lambda tag: tag.start,
            )
            for text in texts
        ]


def hits(text, *marked, score=0.8):
    """Hits of tags that cover the marked pieces, given as (label, piece)."""
    tags, position = [], 0
    for label, piece in marked:
        start = text.index(piece, position)
        position = start + len(piece)
        tags.append(Tagged(label, score, start, position))
    return [(hit.label, text[hit.start : hit.end]) for hit in hits_of(text, tags)]


A, L, P, T, D = "STREET_ADDRESS", "LOCATION", "PERSON", "PHONE_NUMBER", "DATE_TIME"
EXAMPLES = [
    ("a street", "5 Elm St, York\n YO1", [(A, "5 Elm St"), (L, "York"), (A, "YO1")], [(A, "5 Elm St, York\n YO1")]),
    ("a city and a country stay two", "from Leeds, Fife", [(L, "Leeds"), (L, "Fife")], [(L, "Leeds"), (L, "Fife")]),
    ("an address after words", "5 Elm St in Leeds", [(A, "5 Elm St"), (L, "Leeds")], [(A, "5 Elm St"), (L, "Leeds")]),
    ("first and last name", "I am Ann Lee.", [(P, "Ann"), (P, "Lee")], [(P, "Ann Lee")]),
    ("an initial between", "I am Ann B. Lee.", [(P, "Ann"), (P, "Lee")], [(P, "Ann B. Lee")]),
    ("two names joined by a word", "Ann and Bob Lee came", [(P, "Ann and Bob Lee")], [(P, "Ann"), (P, "Bob Lee")]),
    ("a list of names", "Ann, Bob; Cy", [(P, "Ann, Bob; Cy")], [(P, "Ann"), (P, "Bob"), (P, "Cy")]),
    ("two addresses", "5 Elm St, and 6 Oak St", [(A, "5 Elm St, and 6 Oak St")], [(A, "5 Elm St"), (A, "6 Oak St")]),
    ("words before a name", "the early Monet here", [(P, "early Monet")], [(P, "Monet")]),
    ("particles of a name", "Ludwig van Beethoven", [(P, "Ludwig van Beethoven")], [(P, "Ludwig van Beethoven")]),
    ("a particle that begins a name", "Ask van den Berg", [(P, "van den Berg")], [(P, "van den Berg")]),
    ("a word in lower case that looks like a name", "The killers of Ann", [(P, "killers")], []),
    ("a text without capitals", "ask ann please", [(P, "ann")], [(P, "ann")]),
    ("the possessive", "Ann's car", [(P, "Ann's")], [(P, "Ann")]),
    ("punctuation around", "(Ann), hello", [(P, "(Ann)")], [(P, "Ann")]),
    ("a title keeps its full stop", "Dr. Lee", [("TITLE", "Dr"), (P, "Lee")], [("TITLE", "Dr."), (P, "Lee")]),
    ("a bracket of a number", "call (021) 349-866", [(T, "021) 349-866")], [(T, "(021) 349-866")]),
    ("a piece of a number", "in 24 hours", [(T, "24")], []),
    ("a number of few digits is no address", "It sold 3306 of 10115.", [(A, "3306"), (A, "10115")], [(A, "10115")]),
    ("a short postcode with its town", "2100 København", [(A, "2100"), (L, "København")], [(A, "2100 København")]),
    ("a placeholder", "Dear <PERSON_1> of <STREET_ADDRESS_2>", [(P, "PERSON_1"), (A, "STREET_ADDRESS_2")], []),
    ("a date and its time", "on 2021-06-11 18:07.", [(D, "2021-06-11"), (D, "18:07")], [(D, "2021-06-11 18:07")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tags", "found"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES])
def test_whole_names_and_addresses(text, tags, found):
    """Parts of a name or an address are joined, lists are taken apart, and what is around is left out."""
    assert hits(text, *tags) == found


def test_a_name_in_lower_case_that_the_model_is_sure_of():
    """Among words with capitals, a name in lower case is believed when the model is sure."""
    assert hits("Please ask ann.", ("PERSON", "ann"), score=0.95) == [("PERSON", "ann")]


def test_endless_blanks_within_a_name():
    """100,000 blanks inside what the model takes for a name cost their number, not its square."""
    text = "Ann" + " " * 100_000 + "Lee"
    assert [hit.label for hit in hits_of(text, [Tagged("PERSON", 0.8, 0, len(text))])] == ["PERSON"]


@pytest.fixture(scope="module")
def guard():
    made = PiiGuard(WordTagger({"Ann Lee": "PERSON", "ann": "PERSON", "494f": "STREET_ADDRESS"}))
    made.load()
    return made


def read(guard, text):
    [reading] = guard.read([Passage(text, Side.PROMPT)], {})
    return [(hit.label, text[hit.start : hit.end]) for hit in reading.hits]


def test_patterns_and_names_together(guard):
    """One reading has what the patterns and what the model found."""
    assert read(guard, "Ann Lee, lee@example.com") == [("PERSON", "Ann Lee"), ("EMAIL_ADDRESS", "lee@example.com")]


def test_a_checked_format_knows_better(guard):
    """What the model sees inside an e-mail address or a network address is no name."""
    assert read(guard, "Mail ann@example.com") == [("EMAIL_ADDRESS", "ann@example.com")]
    assert read(guard, "from 494f:34b1:671e:772d:162c:a112:3a9c:1") == [
        ("IP_ADDRESS", "494f:34b1:671e:772d:162c:a112:3a9c:1")
    ]


def test_the_version_names_the_model(guard):
    """Verdicts tell whether names were looked for, and by which model."""
    patterns = PiiGuard()
    patterns.load()
    assert guard.version == f"{patterns.version} words"


def test_a_name_in_another_style_is_read_in_ascii():
    """The tagger reads full width as the letters it stands for; the span is the original's."""
    guard = PiiGuard(WordTagger({"Ann Lee": "PERSON"}))
    guard.load()
    name = wide("Ann Lee")
    text = f"😀 ask {name}!"
    [reading] = guard.read([Passage(text, Side.PROMPT)], {})
    assert [(hit.label, text[hit.start : hit.end]) for hit in reading.hits] == [("PERSON", name)]
