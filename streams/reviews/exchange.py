"""Labels as JSON lines, out of the store and into it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from schemas.errors import Code, ConfigError
from schemas.label import Question
from schemas.record import Identifier, Record
from schemas.wording import wording
from streams.reviews.stored import StoredReview, find_review
from streams.store.client import Store
from streams.store.sql import query

_TIMES: Final = ("labelled_at",)
_IDS: Final = ("review_id", "verdict_id")


class ImportedLine(Record):
    """What a line has to say; whatever else is in it is passed over."""

    review_id: UUID
    reader: Identifier
    answers: dict[Question, bool] = Field(min_length=1, max_length=100)
    note: str | None = Field(default=None, max_length=2_000, repr=False)
    blind: bool = False


_LINE: Final = TypeAdapter(ImportedLine)


def exported(store: Store, app: str = "") -> Iterator[str]:
    """Every label with the masked texts that it is about, oldest first, each as a line of JSON."""
    for row in store.select(query("exported_labels"), app=app):
        yield json.dumps(_values(row), ensure_ascii=False)


def _values(row: Mapping[str, Any]) -> Mapping[str, Any]:
    values = dict(row)
    values.update({name: str(row[name]) for name in _IDS})
    values.update({name: row[name].isoformat() for name in _TIMES})
    return values


def read_lines(store: Store, lines: Iterable[bytes]) -> tuple[tuple[StoredReview, ImportedLine], ...]:
    """Each line with the review that it is about.

    Raises:
        ConfigError: a line cannot be read, or is about no review; names the line and the field.
    """
    read = [_line(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    return tuple((_review(store, number, line), line) for number, line in read)


def _line(number: int, line: bytes) -> tuple[int, ImportedLine]:
    try:
        return number, _LINE.validate_json(line)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "line"
        raise ConfigError(f"line {number}: {wording(fault)}", code=Code.INVALID_FIELD, field=where) from None


def _review(store: Store, number: int, line: ImportedLine) -> StoredReview:
    try:
        return find_review(store, str(line.review_id))
    except ConfigError as error:
        raise ConfigError(f"line {number}: {error.message}", code=error.code, field="review_id") from None
