"""Raw records fit to be looked at: which of their strings are masked at all."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from guards.guard import Hit
from streams.masking.masker import Masker


class Everything:
    """Finds that whatever it reads is personal."""

    def read(self, passages, features):
        return [SimpleNamespace(hits=[Hit("ALL", 1.0, 0, len(passage.text))]) for passage in passages]


@pytest.fixture
def masker(monkeypatch):
    made = Masker(Path("nowhere"))
    monkeypatch.setattr(made, "_guards", (Everything(),))
    monkeypatch.setattr(made, "masked_text", lambda text: text if text in KEYS else Masker.masked_text(made, text))
    return made


KEYS = {"text", "app", "id", "request_id", "request_source", "hash", "policy", "messages", "content", "role"}


@pytest.mark.parametrize(
    "name", ["weir-send", "request-145", "public-chatbot", "1d44fbf7-b063-4f5b-a081-3ae73a6c3987", "8788200e6cce4756"]
)
@pytest.mark.parametrize("key", ["id", "request_id", "request_source", "hash"])
def test_what_looks_like_an_id_stays(masker, key, name):
    """Where an id belongs, also within another object."""
    assert masker.masked({"policy": {key: name}}) == {"policy": {key: name}}


@pytest.mark.parametrize(
    "name",
    [
        "ann@example.org",
        "4111111111111111",
        "+44 20 7946 0958",
        "447700900123",
        "My name is Ann",
        "a" * 200,
        "مرحبا",
        "",
    ],
)
def test_what_does_not_is_masked(masker, name):
    """An id that somebody has made of personal data, or of anything odd."""
    assert masker.masked({"id": name}) == {"id": "<ALL>" if name else ""}


def test_texts_are_masked_whatever_they_look_like(masker):
    """Text is text, and an app is none."""
    value = {"app": "shop", "messages": [{"role": "user", "content": "request-145"}], "text": "weir-send"}
    masked = {"app": "shop", "messages": [{"role": "user", "content": "<ALL>"}], "text": "<ALL>"}
    assert masker.masked(value) == masked


@pytest.mark.parametrize("word", ["block", "delivered", "deadline", "DEADLINE_EXCEEDED"])
def test_our_own_words_stay(masker, word):
    """An action, a status, who answered, a code: a guard that reads one alone may take it for a name."""
    assert masker.masked([word, f"{word}!"]) == [word, "<ALL>"]
