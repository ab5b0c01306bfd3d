"""Which models answer for an app: the wanted one, another where it cannot, and those that are compared."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, Record

ANY_MODEL: Final = "default"
"""The name that leaves the choice to whoever serves: its first model."""

Share = Annotated[float, Field(gt=0, le=1)]
_ROUNDING: Final = 1e-9


class _Part(BaseModel):
    """A part of a policy: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Arm(_Part):
    """A share of the conversations, and the model that answers in them."""

    model: Identifier
    share: Share


class Shadow(_Part):
    """A model on trial, and the share of the conversations of which it answers a copy. Nobody reads what it says."""

    model: Identifier
    share: Share


class Serving(_Part):
    """What answers requests that name no model; those that do have that one, or ``fallback``.

    ``model`` is the wanted one, by default whatever is served first. ``arms`` are compared with it (A/B): each
    conversation has one arm, or none, and keeps it; another ``salt`` draws all anew. ``fallback`` answers where the
    wanted one cannot be had, or keeps failing. ``shadow`` is judged beside them and answers nobody.
    """

    model: Identifier | None = None
    fallback: Identifier | None = None
    arms: Annotated[dict[Identifier, Arm], Field(max_length=16)] = Field(default_factory=dict)
    salt: Identifier = "1"
    shadow: Shadow | None = None

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        total = sum(arm.share for arm in self.arms.values())
        if total > 1 + _ROUNDING:
            raise PydanticCustomError("arms", "the shares of the arms come to {total}, more than 1", {"total": total})
        return self

    def arm_at(self, draw: float) -> str | None:
        """The arm of a conversation whose draw, 0 to 1, this is; None for one that is in no arm."""
        end = 0.0
        for name, arm in sorted(self.arms.items()):
            end += arm.share
            if draw < end or end > 1 - _ROUNDING:  # shares of a third come to a little less than 1
                return name
        return None


class Limits(_Part):
    """What one app may have in the model at once, and its ``weight`` when apps share. None: as infer's settings say."""

    requests: Annotated[int, Field(ge=1, strict=True)] | None = None
    tokens: Annotated[int, Field(ge=1, strict=True)] | None = None
    weight: Annotated[float, Field(gt=0, le=1000)] | None = None


class Plan(Record):
    """How some work is to be answered: models by the order in which they are asked, its arm, and its app's limits.

    With ``shadow``, the name of a model on trial, the work is a copy for that one, and nobody waits for the answer.
    """

    models: tuple[Identifier, ...] = ()
    arm: Identifier | None = None
    shadow: Identifier | None = None
    requests: int | None = None
    tokens: int | None = None
    weight: float | None = None


class Provenance(Record):
    """What a completion comes from: made again of the same work with the same of these, it is the same.

    ``wanted`` is the model that did not answer, where another one stood in for it.
    """

    model: Identifier
    version: Identifier
    engine: Identifier
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    arm: Identifier | None = None
    wanted: Identifier | None = None
