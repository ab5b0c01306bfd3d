"""Labelled texts: the lines of ``weir check``, and what is true of each."""

import gzip
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from schemas.codec import parse_json, validate
from schemas.errors import Code, ConfigError, UnreadableError
from schemas.record import Identifier
from streams.check import MAX_LINE_BYTES, CheckLine

SideName = Literal["prompt", "response", "context"]
Truth = Annotated[int, Field(ge=0, le=1)]

RENAMED: Final[Mapping[str, str]] = {"toxic": "toxicity", "relevant": "relevance", "grounded": "groundedness"}
"""Keys that other data sets have for a label, at the top level of a line."""

_OWN_NAMES: Final = frozenset({*RENAMED, "injection"})
_FINE: Final[Mapping[str, str]] = {"sexual": "sexual_explicit"}


class LabelledLine(CheckLine):
    """One line: what ``weir check`` reads, and ``labels`` such as ``{"toxicity": 1, "threat": 0}``.

    A label says what is true in the sense of its score: ``{"relevance": 1}`` is relevant. A label that is absent is
    unknown. ``slice``, ``language`` and ``source`` are kinds to report by; ``side`` says which text is labelled.
    """

    labels: dict[Identifier, Truth]
    side: SideName | None = None
    slice: Identifier | None = None
    language: Identifier | None = None
    source: Identifier | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_other_shapes(cls, body: object) -> object:
        return _mapped(body) if isinstance(body, dict) else body


def _mapped(body: dict[str, Any]) -> dict[str, Any]:
    """A line with the names of ours for those that data sets use; what has our name already stays."""
    mapped = dict(body)
    if "text" in mapped:
        text = mapped.pop("text")
        mapped.setdefault("context" if mapped.get("side") == "context" else "prompt", text)
    if isinstance(mapped.get("context"), str):
        mapped["context"] = [mapped["context"]]
    if mapped.get("side") == "context" and mapped.keys().isdisjoint({"prompt", "response"}):
        mapped["prompt"] = ""
    labels = mapped.get("labels", {})
    found = {RENAMED.get(name, name): mapped[name] for name in _OWN_NAMES if name in mapped}
    if isinstance(labels, dict) and (found or "labels" in mapped):
        mapped["labels"] = found | {_FINE.get(name, name): value for name, value in labels.items()}
        if found.get("toxicity") == 0:
            mapped["labels"] = dict.fromkeys(_FINE_OF_TOXICITY, 0) | mapped["labels"]
    for ours, theirs in (("slice", "kind"), ("language", "lang")):
        if theirs in mapped:
            mapped.setdefault(ours, mapped[theirs])
    return mapped


_FINE_OF_TOXICITY: Final = ("threat", "insult", "identity_attack", "obscene", "sexual_explicit")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line with its number, from 1."""

    number: int
    line: LabelledLine = field(repr=False)


def read_labels(path: Path, wanted: Collection[str] | None = None) -> Iterator[Labelled]:
    """The lines of a file, which may be gzip (``.gz``); those that are empty or have no label are passed over.

    ``wanted`` are the labels to keep, by default all.

    Raises:
        ConfigError: the first line that cannot be read, by file and number.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, data in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b""), start=1):
                line = _read(data, path, number) if data.strip() else None
                if line is not None and wanted is not None:
                    line = line.model_copy(update={"labels": {k: v for k, v in line.labels.items() if k in wanted}})
                if line is not None and line.labels:
                    yield Labelled(number, line)
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not readable"
        raise ConfigError(f"{path}: {reason}", field="labels") from None


def _read(data: bytes, path: Path, number: int) -> LabelledLine:
    try:
        return validate(parse_json(data), LabelledLine)
    except UnreadableError as error:
        where = f"{error.field}: " if error.field not in {None, "value"} else ""
        raise ConfigError(f"{path}:{number}: {where}{error.message}", code=Code.CONFIG) from None
