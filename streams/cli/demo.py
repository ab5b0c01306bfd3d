"""``weir demo``: the whole system on varied traffic of a foreign client."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.cli.tables import doing, output

if TYPE_CHECKING:
    from streams.demo.rendering import Place
    from streams.demo.shift import Shift
    from streams.demo.streamed import Streamed
    from streams.demo.summary import DemoSummary
    from streams.demo.traffic import TrafficPlan
    from streams.settings import Settings

_DEADLINE_S = 600.0


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the summary, on a terminal too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on standard output.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Messages a second at most.")] = 25.0,
    act: Annotated[bool, typer.Option("--act/--no-act", help="Let traffic shift afterwards, and alarms fire.")] = True,
) -> None:
    """Judge some 350 interactions, answer some 220 requests, live, and show what came of them.

    A client that knows Kafka and nothing of Weir sends them: clean, toxic, leaking, injecting, off-topic, multilingual,
    very long and malformed. Then, in logical hours, a model turns toxic for one app, and for another the answers in one
    language miss the point: the right alarms fire, and end once it is mended. The local stack is started if it does not
    run, and ended with the demo, also by Ctrl-C or SIGTERM. On a terminal it serves on until Ctrl-C. Exit status: 1 if
    anything is missing or an alarm is wrong.
    """
    from streams.settings import load_settings
    from streams.stack.attachment import attached_settings
    from streams.store.audit import audit

    console = Console(stderr=True, highlight=False) if as_json else output()
    with _running_stack(load_settings(), console) as started:
        settings = attached_settings()
        acts = _Acts(
            summary=_first_act(settings, console, rate),
            streamed=_streamed(settings, console),
            shift=_second_act(settings, console) if act else None,
        )
        whole = acts.whole and audit(settings).complete
        if as_json:
            sys.stdout.write(json.dumps(acts.to_json()) + "\n")
        else:
            acts.print(console, settings)
        if started and not leave and console.is_terminal:
            console.print("\nserving on; Ctrl-C ends it", style="dim")
            _until_interrupted()
    raise typer.Exit(0 if whole else 1)


@dataclass(frozen=True, slots=True)
class _Acts:
    """What came of the acts."""

    summary: "DemoSummary"
    streamed: "Streamed | None"
    shift: "Shift | None"

    @property
    def whole(self) -> bool:
        return self.summary.whole and (self.shift is None or self.shift.passed)

    def to_json(self) -> dict[str, object]:
        from streams.demo.summary import to_json

        streamed = asdict(self.streamed) if self.streamed else None
        return {**to_json(self.summary), "streamed": streamed, "shift": self.shift.to_json() if self.shift else None}

    def print(self, console: Console, settings: "Settings") -> None:
        from streams.demo.rendering import render
        from streams.demo.shift_rendering import render_shift

        render(self.summary, console, _places(settings), self.streamed)
        if self.shift is not None:
            console.print(render_shift(self.shift))


def _first_act(settings: "Settings", console: Console, rate: float) -> "DemoSummary":
    from streams.demo.live import LiveView
    from streams.demo.summary import read_summary
    from streams.demo.traffic import Traffic
    from streams.store.client import Store

    with Store.of(settings) as store, Traffic(_plan(settings, rate)) as traffic:
        LiveView(console).follow(traffic, store, _DEADLINE_S)
        return read_summary(store, traffic.result())


def _plan(settings: "Settings", rate: float) -> "TrafficPlan":
    from schemas.topics import INTERACTIONS, REPLIES, REQUESTS
    from streams.demo.traffic import TrafficPlan
    from streams.kafka.clients import bootstrap

    names = settings.topics
    return TrafficPlan(
        bootstrap(settings), names.of(INTERACTIONS), names.of(REQUESTS), replies_topic=names.of(REPLIES), rate=rate
    )


def _streamed(settings: "Settings", console: Console) -> "Streamed | None":
    """One more request, whose answer is read while it is made."""
    from streams.demo.rendering import one_line
    from streams.demo.streamed import stream_answer

    console.print("\nan answer, as it comes:", style="dim")
    streamed = stream_answer(settings, lambda text: console.print(one_line(text), end=" ", markup=False))
    console.print()
    return streamed


def _second_act(settings: "Settings", console: Console) -> "Shift":
    from streams.demo.shift import play

    with doing(console, "traffic shifts: waiting for the alarms…"):
        return play(settings)


@contextmanager
def _running_stack(settings: "Settings", console: Console) -> Iterator[bool]:
    """The local stack, started here (True) or found running (False); one that was started is ended."""
    from streams.local.state import read_state, stop_stack
    from streams.process.ending import ending_on_signals
    from streams.stack.stack import STOP_DEADLINE_S, start_detached

    state = read_state(settings.home)
    if state is not None and state.ready:
        yield False
        return
    with ending_on_signals():
        with doing(console, "starting Kafka, ClickHouse, the model and the other processes…"):
            start_detached(settings)
        try:
            yield True
        finally:
            with doing(console, "ending the local stack…"):
                stop_stack(settings.home, STOP_DEADLINE_S)


def _places(settings: "Settings") -> "list[Place]":
    from streams.demo.rendering import Place

    return [
        Place("again, on the same data", "weir up"),
        Place("the ledger", "weir audit"),
        Place("dead letters", "weir dlq list"),
        Place("replies as they come", "weir tail replies"),
        Place("verdicts as they come", "weir tail verdicts"),
        Place("SQL over HTTP", f"{settings.clickhouse_url}  views v_* of the database {settings.database}"),
    ]


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
