"""``weir check``: JSON lines in, one judgement a line out, in order and in flat memory. No Kafka."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from pydantic import JsonValue, model_validator
from pydantic_core import PydanticCustomError

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from schemas.codec import parse_json, validate
from schemas.conversation import Passages, Prompt
from schemas.errors import Code, UnreadableError
from schemas.policy import Policy
from schemas.record import Identifier, Record

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_BATCH_BYTES: Final = 4 * 1024 * 1024  # a batch of huge lines is cut short, so that memory stays flat


class CheckLine(Record):
    """One input line. ``id`` is any JSON value and comes back as it is; texts may be empty."""

    id: JsonValue = None
    prompt: Prompt | None = None
    response: str | None = None
    context: Passages | None = None
    app: Identifier | None = None
    lang: Identifier | None = None

    @model_validator(mode="after")
    def _has_a_side(self) -> "CheckLine":
        if self.prompt is None and self.response is None:
            raise PydanticCustomError("missing", "one of prompt and response is needed")
        return self


@dataclass(frozen=True, slots=True)
class Line:
    """An input line, numbered from 1. ``data`` is None for a line that is too long to be read."""

    number: int
    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """The output lines of a batch, and how many of its input lines could not be read."""

    lines: tuple[str, ...] = field(repr=False)
    unreadable: int


def read_batches(stream: BinaryIO, size: int) -> Iterator[list[Line]]:
    """The stream's lines in batches of at most ``size`` lines, fewer where lines are huge."""
    batch: list[Line] = []
    held = 0
    for line in _lines(stream):
        batch.append(line)
        held += len(line.data or b"")
        if len(batch) >= size or held >= _BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _lines(stream: BinaryIO) -> Iterator[Line]:
    number = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(data) <= MAX_LINE_BYTES:
            yield Line(number, data)
            continue
        while data and not data.endswith(b"\n"):
            data = stream.readline(MAX_LINE_BYTES)
        yield Line(number, None)


def check_batch(lines: Sequence[Line], pipeline: Pipeline, policy: Policy) -> Checked:
    """The output of a batch: a judgement for every readable line, an error for every other, in order."""
    parsed = [_parse(line) for line in lines]
    readable = [record for record in parsed if isinstance(record, CheckLine)]
    judgements = iter(pipeline.judge([Case(_exchange(record), policy) for record in readable]))
    out = [
        {"id": record.id, **next(judgements).to_json()}
        if isinstance(record, CheckLine)
        else {"line": line.number, "error": _describe(record)}
        for line, record in zip(lines, parsed, strict=True)
    ]
    return Checked(tuple(map(json.dumps, out)), unreadable=len(lines) - len(readable))


def _parse(line: Line) -> CheckLine | UnreadableError:
    try:
        return _read(line)
    except UnreadableError as error:
        return error


def _read(line: Line) -> CheckLine:
    if line.data is None:
        raise UnreadableError(f"longer than {MAX_LINE_BYTES} bytes", code=Code.TOO_LARGE)
    if not line.data.strip():
        raise UnreadableError("the line is empty", code=Code.MALFORMED_JSON)
    return validate(parse_json(line.data), CheckLine)


def _describe(error: UnreadableError) -> dict[str, Any]:
    where = f"{error.field}: " if error.field not in {None, "value"} else ""
    return {"code": error.code, "message": f"{where}{error.message}"}


def _exchange(record: CheckLine) -> Exchange:
    return Exchange(prompt=record.prompt, response=record.response, context=record.context)


class Workers:
    """Checks batches in several processes, each with a pipeline of its own; results come in order.

    At most two batches a process are under way, so memory does not grow with the input.
    """

    def __init__(self, jobs: int, load: Callable[[], Pipeline], policy: Policy) -> None:
        self._jobs = jobs
        self._arguments = (load, policy)

    def check(self, batches: Iterable[Sequence[Line]]) -> Iterator[Checked]:
        """The output of every batch, in the order of the batches."""
        with ProcessPoolExecutor(self._jobs, initializer=_Process.start, initargs=self._arguments) as pool:
            under_way: deque[Future[Checked]] = deque()
            for batch in batches:
                under_way.append(pool.submit(_Process.check, batch))
                if len(under_way) >= 2 * self._jobs:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()


class _Process:
    """What one worker process holds: loaded once, when the process starts."""

    pipeline: Pipeline
    policy: Policy

    @classmethod
    def start(cls, load: Callable[[], Pipeline], policy: Policy) -> None:
        cls.pipeline, cls.policy = load(), policy

    @classmethod
    def check(cls, lines: Sequence[Line]) -> Checked:
        return check_batch(lines, cls.pipeline, cls.policy)
