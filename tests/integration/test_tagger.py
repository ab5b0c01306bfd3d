"""The tagger with its real weights."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.tagger import OnnxTagger
from schemas.errors import Code, ConfigError

TEXT = "My name is Sarah Whitfield and I live at 14 Orchard Lane, Bristol BS1 4DJ."
ODD = [
    "",
    " \n",
    "\x00",
    "\ud800 Sarah",
    "a" * 5000,
    "😀" * 3000,
    "ß" * 300,
    "e\u0301 " * 200,
    "مرحبا يا سارة",
    "1 " * 900,
]


@pytest.fixture(scope="module")
def tagger(models_dir):
    made = OnnxTagger(models_dir, cache=0)
    made.load()
    return made


def found(text, tags):
    return [(tag.label, text[tag.start : tag.end]) for tag in tags]


def test_names_and_addresses(tagger):
    """A name and the parts of an address are found, whole words at a time."""
    [tags] = tagger.tag([TEXT])
    assert ("PERSON", "Sarah Whitfield") in found(TEXT, tags)
    assert any(label == "STREET_ADDRESS" and "14 Orchard Lane" in piece for label, piece in found(TEXT, tags))


@pytest.mark.parametrize(
    "text",
    [
        "How do I sort a list of integers in Python?",
        "Please read the instructions before opening the box.",
        "The train leaves from platform 4.",
    ],
)
def test_texts_about_nobody(tagger, text):
    """Ordinary questions have neither names nor addresses."""
    assert [tag for tag in tagger.tag([text])[0] if tag.label in ("PERSON", "STREET_ADDRESS")] == []


def test_company_makes_no_difference(tagger):
    """A text's tags are the same alone and in any batch, and so are scores to four decimals."""
    texts = [
        TEXT,
        *ODD,
        *(f"Meet {name} in {place} at {place} 5." for name in ("Ann", "Tom") for place in ("Rome", "York")),
    ]
    together = tagger.tag(texts)
    alone = [tagger.tag([text])[0] for text in texts]
    assert [[(t.label, t.start, t.end) for t in tags] for tags in together] == [
        [(t.label, t.start, t.end) for t in tags] for tags in alone
    ]
    scores = [[t.score for tags in side for t in tags] for side in (together, alone)]
    assert np.allclose(*scores, atol=1e-4)


def test_the_last_window_is_read(tagger):
    """A name behind 2,000 words is found at its place."""
    text = "The weather is fine and the sea is calm today. " * 200 + TEXT
    tags = tagger.tag([text])[0]
    assert any(text[tag.start : tag.end] == "Sarah Whitfield" for tag in tags)


def test_names_at_every_seam(tagger):
    """A name is found wherever the windows happen to end."""
    filler = "The sea was calm, so we sat down on the pier and waited for the boat to come back. " * 9
    for length in range(280, 620, 31):
        text = f"{filler[:length]}. Then Sarah Whitfield came along. {filler}"
        assert ("PERSON", "Sarah Whitfield") in found(text, tagger.tag([text])[0]), length


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts(tagger, text):
    """Any string is read; tags lie within it, in order and apart."""
    [tags] = tagger.tag([text])
    edges = [edge for tag in tags for edge in (tag.start, tag.end)]
    assert edges == sorted(edges)
    assert all(0 <= tag.start < tag.end <= len(text) and 0 <= tag.score <= 1 for tag in tags)


def test_threads(tagger):
    """Several threads at once get what one gets."""
    texts = [f"{TEXT} {number}" for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: tagger.tag([text])[0], texts)) == [tagger.tag([text])[0] for text in texts]


def test_what_was_read_is_remembered(models_dir):
    """A text that comes again is not computed again."""
    tagger = OnnxTagger(models_dir)
    tagger.load()
    assert tagger.tag([TEXT])[0] is tagger.tag([TEXT, TEXT])[1]


def test_missing_files_are_named(tmp_path):
    """Loading from an empty directory says which command fetches the model."""
    with pytest.raises(ConfigError, match="weir models fetch") as caught:
        OnnxTagger(tmp_path).load()
    assert caught.value.code is Code.MODEL_MISSING
