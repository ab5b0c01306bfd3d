"""Which share of what is judged goes to people for review: by stratum, and within what a day allows."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from schemas.actions import Action
from schemas.record import Identifier, Record
from schemas.verdict import Fraction, Stage

REST: Final = "rest"
"""The stratum of what no other one takes in."""

Name = Annotated[Identifier, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def _in_order(values: frozenset[str]) -> list[str]:
    # The order of a set differs between processes; the hash of a policy must not.
    return sorted(values)


class Band(BaseModel):
    """Scores from ``low`` to ``high``, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    low: Fraction = 0.0
    high: Fraction = 1.0

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.low > self.high:
            raise PydanticCustomError("band", "low should not be above high")
        return self


class ReviewStratum(BaseModel):
    """A part of the verdicts that is sampled at a ``rate`` of its own; a verdict is in the first that takes it in.

    It takes in what meets every condition that it has: one of the ``stages``, one of the ``actions``, a score within
    ``near`` of a threshold on either side, and for one of ``scores`` (by label) a score in its band on any side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    name: Name
    rate: Fraction
    stages: Annotated[frozenset[Stage], PlainSerializer(_in_order)] | None = None
    actions: Annotated[frozenset[Action], PlainSerializer(_in_order)] | None = None
    near: Fraction | None = None
    scores: dict[Identifier, Band] = Field(default_factory=dict)


class Sampling(BaseModel):
    """What people read of the verdicts: a ``rate`` for every stratum, and ``review`` for what is in none of them.

    Rates are lowered, never raised, so that people have at most ``daily`` readings a day. A share ``second`` of what
    is sampled is read by two people, neither of whom sees what the other said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    review: Fraction = 0.0
    strata: Annotated[tuple[ReviewStratum, ...], Field(max_length=20)] = ()
    daily: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None
    second: Fraction = 0.1

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [stratum.name for stratum in self.strata] + [REST]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError("strata", "two strata are called {name}", {"name": twice})
        return self


class SamplingPlan(Record):
    """By which ``factor`` a policy's rates are lowered for events that arrive from ``begins_at`` on.

    The first plan in the log for a policy and a beginning counts, and only if it was there in time: so the
    probability of an event is the same whenever it is judged. ``expected`` readings a day is what the rates as they
    stand would come to, ``budget`` what the policy allows, if it limits them.
    """

    policy: Identifier
    begins_at: datetime
    factor: Annotated[float, Field(gt=0, le=1)]
    expected: Annotated[float, Field(ge=0)]
    budget: Annotated[int, Field(ge=1)] | None = None
