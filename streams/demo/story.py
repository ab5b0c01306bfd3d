"""One request from its arrival to its reply, step by step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.demo.delivered import OffsetRun
from streams.demo.tally import Rows, ask


@dataclass(frozen=True, slots=True)
class Step:
    """What a stage did with the request, ``after_ms`` its arrival; ``text`` is masked, and empty where none is new."""

    after_ms: float
    stage: str
    what: str
    text: str = field(default="", repr=False)


def read_story(rows: Rows, runs: Sequence[OffsetRun]) -> tuple[Step, ...]:
    """The steps of one of the requests at these offsets, preferably of a redacted one; none if none was answered."""
    found = ask(rows, "story", runs)
    return tuple(_steps(found[0])) if found else ()


def _steps(row: Mapping[str, Any]) -> Iterator[Step]:
    yield Step(0, "requests", f"request {row['request']} of conversation {row['conversation']}", row["prompt"])
    yield Step(row["screened_ms"], "screen", _judged(row["screen_action"], row["screen_findings"]))
    tokens = f"{row['model']}: {row['prompt_tokens']} tokens in, {row['completion_tokens']} out"
    yield Step(row["completed_ms"], "infer", tokens)
    yield Step(row["judged_ms"], "judge", _judged(row["judge_action"], row["judge_findings"]), row["response"])
    yield Step(row["replied_ms"], "settle", f"{row['status']}, the only final reply")


def _judged(action: str, findings: Sequence[str]) -> str:
    return f"{action}: {', '.join(findings)}" if findings else action
