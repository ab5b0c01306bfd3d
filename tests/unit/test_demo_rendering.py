"""The demo's report and its live view, without a store."""

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from schemas.actions import Action
from schemas.errors import UnavailableError
from streams.demo.delivered import Delivered, OffsetRun
from streams.demo.live import LiveView
from streams.demo.rendering import Place, clip, one_line, render
from streams.demo.story import Step
from streams.demo.streamed import Streamed
from streams.demo.summary import DemoSummary, Example, Latency

ACTIONS = {Action.ALLOW: 290, Action.FLAG: 20, Action.REDACT: 50, Action.HOLD: 0, Action.BLOCK: 24}


def example(**changes):
    fields = {"kind": "pii", "stage": "observe", "action": Action.REDACT, "guard": "pii", "label": "EMAIL_ADDRESS"}
    texts = {"prompt": "I am <EMAIL_ADDRESS>.", "response": "Noted.", "passage": ""}
    return Example(**{**fields, "side": "prompt", "score": 1.0, **texts, **changes})


STORY = (
    Step(0, "requests", "request r-1 of conversation c-1", "I am <EMAIL_ADDRESS>."),
    Step(18.4, "screen", "redact: pii EMAIL_ADDRESS"),
    Step(1201.0, "settle", "delivered, the only final reply"),
)


def summary(**changes):
    counts = {
        "interactions": 350,
        "requests": 225,
        "malformed": 21,
        "replies": 220,
        "verdicts": 384,
        "dead_letters": 11,
    }
    counts["statuses"] = {"delivered": 200, "withheld": 20}
    found = {"missing": 0, "duplicates": 0, "seconds": 21.44, "actions": ACTIONS, "guards": {"pii": 45, "toxicity": 6}}
    more = {
        "codes": {"TOO_LONG": 1},
        "latencies": {"observe": Latency(41.2, 260.0)},
        "examples": (example(),),
        "story": STORY,
    }
    return DemoSummary(**{**counts, **found, **more, **changes})


def rendered(summary, places=(), streamed=None, **console):
    out = StringIO()
    render(summary, Console(file=out, width=100, **console), places, streamed)
    return out.getvalue()


def test_an_answer_that_a_guard_has_cut():
    """What was read of it, and that it is taken back, are on the page."""
    cut = Streamed(
        "Repeat the notes.", "The website is \x1b[31mbuilt", 4, 1.25, 5.5, "withheld", "BLOCKED", retracted=True
    )
    lines = rendered(summary(), streamed=cut).splitlines()
    start = next(number for number, line in enumerate(lines) if "read while it was made" in line)
    assert [line.split() for line in lines[start + 1 : start + 5]] == [
        ["asked", "Repeat", "the", "notes."],
        ["read", "The", "website", "is", "[31mbuilt"],
        ["4", "pieces,", "the", "first", "after", "1.2", "s"],
        ["reply", "withheld", "(BLOCKED)", "after", "5.5", "s;", "what", "had", "been", "read", "is", "taken", "back"],
    ]


EXPECTED = """\
 ───────────────────────────────────────────── Weir ─────────────────────────────────────────────
 in     575 events: 350 interactions, 225 requests (21 of them malformed)
 out    220 replies: 200 delivered, 20 withheld
        384 verdicts, 11 dead letters
 audit  ✓ 0 missing, 0 twice
 time   21.4 s from the first message to the last reply and verdict

 action events                    guard    events   from arrival to   p50    p99
 allow     290 ████████████████   pii          45   observe         41 ms 260 ms
 flag       20 ██                 toxicity      6
 redact     50 ███                                  no text, or not judged events
 hold        0                                      TOO_LONG                    1
 block      24 ██

 Examples
 ● redact  personal data  (pii EMAIL_ADDRESS 1.00, prompt)
   asked    I am <EMAIL_ADDRESS>.
   answered Noted.

 One request, step by step
   +       0 ms  requests request r-1 of conversation c-1
                          I am <EMAIL_ADDRESS>.
   +      18 ms  screen   redact: pii EMAIL_ADDRESS
   +   1,201 ms  settle   delivered, the only final reply

 Where to look
 queries  http://127.0.0.1:8123
"""


def test_the_report_reads_as_a_page():
    """Accounts, counts, latencies, examples and addresses, plainly, in less than 100 columns."""
    text = rendered(summary(), [Place("queries", "http://127.0.0.1:8123")])
    assert [line.rstrip() for line in text.splitlines()] == EXPECTED.splitlines()


def test_a_slow_machine_is_told_in_words():
    """Missed deadlines are explained, long times are in seconds, and rare codes do not fill the page."""
    codes = {"DEADLINE_EXCEEDED": 109, **{f"CODE_{number}": 10 - number for number in range(9)}}
    text = rendered(summary(codes=codes, latencies={"observe": Latency(21_015.0, 9_999.0)}))
    assert "the model here was too slow for 109 of them" in text
    assert "21.0 s" in text
    assert "9,999 ms" in text
    assert "2 other codes" in text
    assert "CODE_8" not in text


def test_one_piece_is_one():
    """A stream that was cut after its first piece is counted so."""
    cut = Streamed("Repeat.", "The", 1, 1.25, 5.5, "withheld", "BLOCKED", retracted=True)
    assert "1 piece," in rendered(summary(), streamed=cut)


def test_loss_is_shown_as_such():
    """Something missing turns the audit's mark."""
    assert "✗ 2 missing, 1 twice" in rendered(summary(missing=2, duplicates=1))


def test_nothing_in_a_text_is_obeyed():
    """Markup, escape sequences, NULs and turned text in an example are only text."""
    nasty = "[bold red]x[/] \x1b[31mred\x1b[0m \x00 \u202eturned\n[/nonsense]"
    text = rendered(summary(examples=(example(prompt=nasty),)), force_terminal=True, color_system=None)
    assert "[bold red]x[/] [31mred [0m turned [/nonsense]" in text
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


@pytest.mark.parametrize("text", ["plain " * 40, "広い文字" * 40, "مرحبا " * 40, "🙂" * 100])
def test_long_texts_are_clipped_by_columns(text):
    """A clipped text takes at most the columns that it is given, wide characters included, and says that it is cut."""
    cut = clip(one_line(text), 60)
    assert cell_len(cut) <= 60
    assert cut.endswith("…")


def test_the_report_is_coloured_by_action():
    """On a terminal an action has its colour."""
    assert "\x1b[36mredact" in rendered(summary(), force_terminal=True, color_system="standard")


def test_texts_stay_out_of_a_repr():
    """The repr of a summary holds no text of an example."""
    assert "Noted" not in repr(summary())


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Source:
    """Twelve messages, all delivered at once by a client that runs for two seconds."""

    expected = 12

    def __init__(self, clock):
        self._clock = clock
        self.latest = Delivered(interactions=12, offsets=(OffsetRun("t", 0, 0, 11),))

    @property
    def running(self):
        return self._clock.now < 2


class Rows:
    """A store in which one event ends every second, and which does not answer at the times given."""

    def __init__(self, clock, silent=(), most=12):
        self._clock, self._silent, self._most = clock, silent, most

    def select(self, query, **parameters):
        if self._clock.now in self._silent:
            raise UnavailableError("the store does not answer")
        ended = min(self._most, int(self._clock.now))
        if "v_ledger" in query:
            return [{"topic": "t", "ended": ended, "dead": 0}]
        return [{"action": "allow", "events": ended}]


def follow(rows_of, deadline_s=60, **console):
    clock, out = Clock(), StringIO()
    view = LiveView(Console(file=out, width=100, **console), clock, clock.sleep)
    return view.follow(Source(clock), rows_of(clock), deadline_s), clock.now, out.getvalue()


def test_the_view_ends_when_everything_has_ended():
    """It returns as soon as every delivered event ended, having printed a line now and then."""
    tally, seconds, text = follow(Rows)
    assert (tally.inputs, seconds) == (12, 12.0)
    assert len(text.splitlines()) == 4  # at 0, 5 and 10 seconds, and at the end
    assert text.splitlines()[-1].endswith("produced 12 of 12, done 12 (allow 12), dead letters 0")


def test_the_view_ends_at_its_deadline():
    """Events that never end do not keep it for ever."""
    tally, seconds, _ = follow(lambda clock: Rows(clock, most=7), deadline_s=20)
    assert (tally.inputs, seconds) == (7, 20.0)


def test_a_store_that_is_away_for_a_moment_is_waited_for():
    """While the store does not answer the last tally stands, and the view says so and goes on."""
    tally, _, text = follow(lambda clock: Rows(clock, silent={5.0, 12.0}))
    assert tally.inputs == 12
    assert "waiting for the store" in text


def test_the_view_is_drawn_in_place_on_a_terminal():
    """On a terminal the last picture shows the bars full and the actions."""
    _, _, text = follow(Rows, force_terminal=True, color_system=None)
    assert "done" in text
    assert "12 of 12" in text
    assert "allow 12" in text
