import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.cli import tables
from streams.cli.widths import fitted

COLUMNS = ("app", "stratum", "asked", "oldest open")
ROWS = (("support", "response_toxicity:0.35-0.65", 12840, "3 d 2 h"), ("bank", "", 120, None))


@pytest.fixture
def shown(monkeypatch, capsys):
    """What a terminal of some width shows of a table."""

    def show(width, **changes):
        monkeypatch.setattr(tables, "output", lambda: Console(width=width, color_system=None))
        tables.show("Progress", COLUMNS, ROWS, **changes)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]

    return show


def test_a_table_that_fits_has_a_line_a_row(shown):
    """Columns are as wide as what is in them; numbers are right-aligned."""
    assert shown(80) == [
        "Progress",
        " app       stratum                        asked   oldest open",
        " ────────────────────────────────────────────────────────────",
        " support   response_toxicity:0.35-0.65   12,840   3 d 2 h",
        " bank                                       120",
    ]


def test_a_narrower_one_is_broken_between_words(shown):
    """Whole words go on the next line; what names a row stays on one."""
    assert shown(60)[1:] == [
        "                                                  oldest",
        " app       stratum                        asked   open",
        " ──────────────────────────────────────────────────────────",
        " support   response_toxicity:0.35-0.65   12,840   3 d 2 h",
        " bank                                       120",
    ]


def test_one_too_narrow_for_its_words_tells_each_row_on_lines_of_its_own(shown):
    """Nothing is cut off or broken: the row's name, then each other cell behind its column's name."""
    assert shown(40, named_by=2) == [
        "Progress",
        "support  response_toxicity:0.35-0.65",
        "  asked 12,840   oldest open 3 d 2 h",
        "bank",
        "  asked 120",
    ]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1), st.integers(0, 200))
def test_widths_fit_and_break_no_word(columns, room):
    """Where there are widths at all they take the room at most, and each column has its least."""
    natural, least = [low + more for low, more in columns], [low for low, _ in columns]
    widths = fitted(natural, least, room)
    assert (widths is None) == (sum(least) > room)
    if widths is not None:
        assert all(low <= width <= most for low, width, most in zip(least, widths, natural, strict=True))
        assert sum(widths) == min(room, sum(natural))
