"""Reviews on a terminal, and the decisions that can be made about them."""

from datetime import timedelta

import pytest
from rich.console import Console

from schemas.actions import Action
from schemas.errors import Code, UnreadableError, WeirError
from streams.printable import excerpt, printable
from streams.reviews.deciding import Aftermath, decision_on
from streams.reviews.rendering import HELD_COLUMNS, aftermath_text, columns, details, left, row, rows
from streams.reviews.stored import Passage
from tests.fixtures.stored_reviews import NOW, found, review, sample


def text_of(renderable, width=100):
    console = Console(width=width, highlight=False, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_line_of_the_queue():
    """A line has the id's beginning, the time left, the worst finding and the masked text on one line."""
    line = dict(zip(HELD_COLUMNS, row(review(), NOW), strict=True))
    assert line == {
        "review": "01234567", "left": "55 min 0 s", "app": "shop", "held": "prompt",
        "worst finding": "toxicity insult 0.99 (limit 0.50)", "masked": "Mail <EMAIL_ADDRESS> now",
    }  # fmt: skip


def test_a_list_of_samples():
    """A line has the stratum, how far it has been read, how many say nearly the same, and what is to be judged."""
    other = sample(3, passages=(Passage("prompt", 0, "Good morning to you"),))
    listed = list(rows("sample", [sample(1), other, sample(2)], NOW))
    assert dict(zip(columns("sample"), listed[0], strict=True)) == {
        "review": "00000001", "app": "shop", "stage": "observe", "stratum": "near", "read": "1 of 2", "alike": 2,
        "masked": "Goethe did, in 1808.",
    }  # fmt: skip
    assert (listed[1][5], listed[1][6]) == (1, "Good morning to you")


def test_all_of_a_sample():
    """It says how it was drawn and how far it is read; what another stage was asked stands beside, unmarked."""
    beside = (Passage("prompt", 0, "Mail <EMAIL_ADDRESS>", beside=True), Passage("response", 0, "No."))
    shown = text_of(details(sample(passages=beside), NOW))
    for each in ("sampled", "as near at 0.125", "read by 1 of 2", "prompt, asked", "pii EMAIL_ADDRESS"):
        assert each in shown
    assert "pii EMAIL_ADDRESS" not in text_of(details(sample(passages=beside).unseen(), NOW))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "overdue"), (0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_time_left(seconds, shown):
    """Two units at most, or overdue."""
    assert left(timedelta(seconds=seconds)) == shown


def test_a_guard_that_failed_is_the_worst_of_its_action():
    """No score is graver than any score, and a stricter action graver than that."""
    failed = found(guard="injection", label="injection", kind="error", score=None, threshold=None)
    assert review(findings=(found(), failed)).worst is failed
    held = found(action=Action.HOLD, score=0.1)
    assert review(findings=(failed, held)).worst is held
    assert review(findings=()).worst is None
    assert row(review(findings=(failed,)), NOW)[4] == "injection failed"
    assert row(review(findings=()), NOW)[4] == ""


def test_all_of_a_review():
    """Every text, fact and finding is shown, and the width of the terminal kept."""
    shown = text_of(details(review(), NOW))
    for each in ("prompt, held", "context 1", "Mail <EMAIL_ADDRESS>", "55 min 0 s left, then refuse", "e1 from test",
                 "p@1", "hold", "toxicity insult 0.99"):  # fmt: skip
        assert each in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "closed: settled withheld" in text_of(
        details(review(is_open=False, state="settled", status="withheld"), NOW)
    )


def test_placeholders_of_findings_are_marked():
    """What was masked stands out in the text; the rest of it, and markup in it, does not count."""
    console = Console(width=100, force_terminal=True, color_system="standard", highlight=False)
    texts = (Passage("prompt", 0, "Mail <EMAIL_ADDRESS> [bold]or[/] <PHONE_NUMBER>"),)
    with console.capture() as capture:
        console.print(details(review(passages=texts), NOW))
    assert "\x1b[36m<EMAIL_ADDRESS>\x1b[0m" in capture.get()
    assert "[bold]or[/] <PHONE_NUMBER>" in capture.get()


@pytest.mark.parametrize("text", ["\x1b[2J\x1b]0;title\x07", "a\x00b\r\b", "\ud800", "\u202egnp.exe"])
def test_texts_cannot_command_a_terminal(text):
    """What a terminal would obey, or could not show, comes out as escapes."""
    shown = text_of(details(review(passages=(Passage("prompt", 0, text),), request_id=text), NOW))
    assert not set(shown) & set(text) - set(printable(text))
    assert excerpt(text, 100) == printable(text)


def test_an_excerpt_is_one_short_line():
    """However long the text, an excerpt keeps to its size."""
    assert excerpt("a\n b " * 1_000_000, 10) == "a b a b a…"
    assert excerpt("short", 10) == "short"


def test_what_is_said_of_a_decision():
    """The three ends of a decision: on to the model, settled, not seen."""
    assert "on its way to the model" in aftermath_text(Aftermath("open"), review())
    assert "settled, withheld HOLD_EXPIRED" in aftermath_text(
        Aftermath("settled", "withheld", "HOLD_EXPIRED"), review()
    )
    assert "weir review show 01234567" in aftermath_text(None, review())


@pytest.mark.parametrize(
    ("action", "text", "by", "field"),
    [
        ("edit", None, "ann", "value"),
        ("release", "secret", "ann", "value"),
        ("refuse", None, "", "decided_by"),
        ("refuse", None, "\x1b", "decided_by"),
        ("approve", None, "ann", "action"),
    ],
)
def test_decisions_that_break_a_rule(action, text, by, field):
    """A decision that settle could not read is not made; the field is named, and no text repeated."""
    with pytest.raises(UnreadableError) as caught:
        decision_on(review(), action, by, text=text)
    assert caught.value.field == field
    assert "secret" not in str(caught.value)


def test_a_closed_review_cannot_be_decided():
    """How its request ended is said instead."""
    with pytest.raises(WeirError, match="settled delivered") as caught:
        decision_on(review(is_open=False, state="settled", status="delivered"), "release", "ann")
    assert caught.value.code == Code.NOT_HELD
