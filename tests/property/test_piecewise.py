"""Whatever is released of a text piece by piece, no span that a guard finds is ever in it."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from guards.piecewise import CONTEXT, LOOK_AHEAD, LOOK_BEHIND, Progress, decide, next_window
from schemas.actions import Action
from schemas.verdict import Finding

SECRET = re.compile(r"[0-9]{3}(?:[ -][0-9]{3}){2,13}|sk_[a-z0-9]+|BEGIN KEY[^.]*")
WORDS = ["a", "sentence.", "The\n", "whole", "word,", "日本語。", "x" * 60, "12", "345", "dash-", "😀", "  ", "\n\n"]
SPANS = [
    "123 456 789", "123-456 789-123", "111 222 333 444 555 666 777 888 999 000", "sk_abc", "sk_" + "z9" * 900,
    "BEGIN KEY " + "qrst\n" * 50 + ".",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS) | st.sampled_from(SPANS), max_size=60).map(" ".join)


def finding(match, action):
    return Finding(
        guard="g", label="NUMBER", kind="match", score=1.0, threshold=0.5, action=action,
        start=match.start(), end=match.end(),
    )  # fmt: skip


def released(text, cuts, action=Action.REDACT):
    """The pieces released of a text that comes in parts which end at the cuts."""
    progress, pieces = Progress(), []
    for end in [*sorted({cut for cut in cuts if cut < len(text)}), len(text)]:
        seen, whole = text[:end], end == len(text)
        while (window := next_window(seen, progress, whole=whole)) is not None:
            assert window.first <= window.start < window.end <= window.last <= end
            found = [finding(match, action) for match in SECRET.finditer(seen[window.first : window.last])]
            step = decide(seen, window, progress, found, lambda _value, label: f"<{label}>")
            pieces.append(step.text)
            progress = step.progress
        assert progress.ended or progress.position <= end
    return pieces, progress


@given(text=TEXTS, cuts=st.lists(st.integers(1, 600), max_size=40))
@example(text="It is " + SPANS[3] + " and " + SPANS[5], cuts=[20, 30])
def test_no_span_is_released_however_the_text_comes(text, cuts):
    """What is released is the text with every span replaced, and nothing depends on where it was cut."""
    pieces, progress = released(text, cuts)
    assert "".join(pieces) == SECRET.sub("<NUMBER>", text)
    assert (pieces, progress) == released(text, [])
    assert progress.position == len(text)
    assert all(progress.covers(*match.span()) for match in SECRET.finditer(text))


@given(text=TEXTS, cuts=st.lists(st.integers(1, 600), max_size=40))
def test_what_blocks_ends_the_release_before_it(text, cuts):
    """The release is how the text begins, without any of the span, and it is over."""
    pieces, progress = released(text, cuts, Action.BLOCK)
    first = SECRET.search(text)
    assert text.startswith("".join(pieces))
    assert len("".join(pieces)) <= (first.start() if first else len(text))
    assert progress.ended == (first is not None)
    assert (pieces, progress) == released(text, [], Action.BLOCK)


@given(text=st.text(max_size=800), cuts=st.lists(st.integers(1, 800), max_size=40))
def test_any_text_is_released_as_it_is(text, cuts):
    """Where nothing is found, the pieces are the text."""
    pieces, _ = released(text.translate(dict.fromkeys(range(0x30, 0x3A))), cuts)
    assert "".join(pieces) == text.translate(dict.fromkeys(range(0x30, 0x3A)))


def test_little_is_held_back():
    """Of running prose no more than the look-ahead and a piece or two of words is kept back."""
    text = "This is how an answer goes on and on, in words of some length. " * 20
    for end in range(300, 1000, 7):
        progress = Progress()
        while (window := next_window(text[:end], progress, whole=False)) is not None:
            progress = decide(text[:end], window, progress, [], str).progress
        assert end - progress.position < LOOK_AHEAD + 70


def test_the_guards_see_what_is_around():
    """A window holds enough before a piece, and behind it, for words nearby to count."""
    text = "word " * 400
    progress = Progress()
    while (window := next_window(text, progress, whole=False)) is not None:
        assert window.start - window.first >= min(LOOK_BEHIND, window.start)
        assert window.last - window.end >= LOOK_AHEAD > 2 * CONTEXT
        progress = decide(text, window, progress, [], str).progress


def test_endless_words_cost_little():
    """A word without an end is released in long pieces, and takes linear time."""
    pieces, _ = released("x" * 200_000, [])
    assert len(pieces) < 110
