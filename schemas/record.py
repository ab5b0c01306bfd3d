"""The base of every record on a topic, and the field types that they share."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


class Record(BaseModel):
    """Immutable; unknown fields are ignored, so that a newer minor version can be read; errors hide the input."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """The record as values for ``json.dumps``; absent optional fields are left out of its top level only."""
        values = self.model_dump(mode="python")
        return {name: value for name, value in values.items() if value is not None}

    def headers_beside(self) -> Mapping[str, str]:
        """What a message's headers say of the record beside its envelope, for who need not read the body."""
        return {}


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("identifier", "should have printable characters only")
    return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
"""An id chosen by an application: of an event, a conversation, a user, an app or a model."""

Subject = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_printable)]
"""Whose data something is: an app's user or conversation, so that it may be longer than an identifier."""

LONGEST_DAYS: Final = 20_000
"""The store's instants end in 2106: rows that were to stay for longer would be taken for old ones, and go at once."""

KeepDays = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
"""For how many days, at most, the store keeps what a record says; its tables may forget sooner."""
