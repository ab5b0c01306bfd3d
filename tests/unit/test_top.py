"""``weir top``: metrics pages to a screen."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest
from prometheus_client import generate_latest
from rich.console import Console

from streams.metrics import Metrics
from streams.process.health import HealthServer
from streams.top.board import board_of
from streams.top.rendering import render
from streams.top.sample import Change, Sample, read_page, take_sample


def sample(at, *metrics):
    return Sample(at, {str(n): read_page(generate_latest(each.registry).decode()) for n, each in enumerate(metrics)})


def busy(metrics, times=1):
    """What a busy process would have counted."""
    for _ in range(times):
        metrics.completion_tokens.labels("small").inc(20)
        metrics.completion_tokens.labels("big").inc(10)
        metrics.infer_answers.labels("small", "stop").inc()
        metrics.infer_answers.labels("big", "UNAVAILABLE").inc(0)
        metrics.infer_first_token_seconds.labels("small").observe(0.3)
        metrics.infer_token_seconds.labels("small").observe(0.015)
        metrics.infer_refusals.labels("memory").inc()
        metrics.infer_queue_seconds.labels("bulk").observe(2)
        metrics.events.labels("judge", "allow").inc(9)
        metrics.events.labels("judge", "block").inc()
        metrics.event_age.labels("judge").observe(0.02)
        metrics.replies.labels("delivered", "judge").inc()
        metrics.findings.labels("judge", "pii", "EMAIL_ADDRESS", "redact").inc()
    metrics.infer_slots.set(16)
    metrics.infer_running.set(12)
    metrics.infer_room.set(32_768)
    metrics.infer_held.set(8_192)
    metrics.infer_waiting.labels("interactive").set(3)


@pytest.fixture
def board():
    one, other = Metrics(), Metrics()
    busy(one)
    before = sample(10.0, one, other)
    busy(one, 2)
    busy(other, 2)
    return board_of(Change(before, sample(12.0, one, other)), {"weir.infer": 7})


def test_rates_are_those_of_all_processes_between_two_looks(board):
    """Counters are differences over the seconds between, gauges the sum of now."""
    assert (board.seconds, board.model.made, board.model.answers) == (2.0, 60.0, {"stop": 2.0})
    assert (board.model.running, board.model.slots, board.lanes[0].waiting) == (24, 32, 6)
    judge = next(stage for stage in board.stages if stage.name == "judge")
    assert (judge.events, judge.actions) == (20.0, {"allow": 18.0, "block": 2.0})
    assert board.replies == {"delivered": 2.0}
    assert board.guards == {"pii": 2.0}


def test_percentiles_are_those_of_what_came_meanwhile(board):
    """They lie in the bucket of what was observed; without an observation there is none."""
    assert 0.25 < board.model.first_token.p50 <= board.model.first_token.p99 <= 0.5
    assert 1 < board.lanes[1].queue.p99 <= 2.5
    assert board.lanes[0].queue.p50 is None


def test_each_model_has_its_own_figures(board):
    """One that answered nothing has rates of 0 and no times."""
    small, big = (next(each for each in board.model.models if each.name == name) for name in ("small", "big"))
    assert (small.made, small.answers, big.made, big.answers) == (40.0, 2.0, 20.0, 0.0)
    assert small.first_token.p50 == board.model.first_token.p50
    assert 0.01 < small.token.p50 <= 0.02
    assert big.token.p50 is None


def test_a_process_that_began_anew_counts_from_nothing():
    """A counter that is smaller than before has started at 0; no rate is negative."""
    long, short = Metrics(), Metrics()
    busy(long, 5)
    before = sample(0.0, long)
    busy(short, 2)
    board = board_of(Change(before, sample(1.0, short)), {})
    assert board.model.made == 60.0


def test_the_screen_has_all_of_it(board):
    """Names and figures of every part are on it, within 80 columns."""
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123 - nothing is written
    console.print(render(board, "weir top"))
    text = console.export_text()
    for word in (
        "24/32", "16,384/65,536 tokens of memory", "60 tokens/s", "memory 2.0", "interactive", "bulk", "first token",
        "token to token", "small", "judge", "block 2.0", "weir.infer 7",
    ):  # fmt: skip
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


@contextmanager
def serving(metrics):
    server = HealthServer(metrics.registry, alive=lambda: True, ready=lambda: True, host="127.0.0.1", port=0)
    yield f"{server.start()}/metrics"
    server.stop()


def test_who_does_not_answer_is_named():
    """The others are shown."""
    with serving(Metrics()) as url:
        found = take_sample({"here": url, "gone": "http://127.0.0.1:1/metrics"}, lambda: 0.0)
    assert (found.processes.keys(), found.down) == ({"here"}, {"gone"})


def test_one_look_as_json():
    """`weir top --once --json` is one object of figures, for scripts."""
    with serving(Metrics()) as url:
        command = [
            sys.executable,
            "-m",
            "streams.cli",
            "top",
            "--once",
            "--json",
            "--interval",
            "0.2",
            "--url",
            f"infer={url}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model"]["made"] == 0.0
    assert {stage["name"] for stage in found["stages"]} == {"screen", "stream", "judge", "observe"}
