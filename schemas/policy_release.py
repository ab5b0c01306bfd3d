"""Versions of a policy under way: which one is in force, which one is tried, and what came before."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.policy import Policy
from schemas.record import Identifier, Record
from schemas.verdict import Fraction, PolicyReference

HISTORY: Final = 20


class Candidate(Record):
    """A version on trial: judged beside the one in force (``shadow``), or in its place for a share."""

    policy: Policy
    mode: Literal["shadow", "share"]
    share: Fraction = 0.0


class PolicyRelease(Record):
    """Everything about one policy, in one record keyed by its id: the latest one replaces those before.

    ``history`` holds earlier versions in force, the latest last. ``withdrawn`` names versions that were tried or taken
    back, so that their numbers are not given to anything else.
    """

    current: Policy | None = None
    candidate: Candidate | None = None
    history: Annotated[tuple[Policy, ...], Field(max_length=HISTORY)] = ()
    withdrawn: Annotated[tuple[PolicyReference, ...], Field(max_length=HISTORY)] = ()
    changed_at: datetime
    changed_by: Identifier

    @model_validator(mode="after")
    def _is_of_one_policy(self) -> Self:
        if len({policy.id for policy in self.policies}) != 1:
            raise PydanticCustomError("policy_id", "all versions should be of one policy, and there should be one")
        return self

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every version that is held in full, the one in force first."""
        found = (self.current, self.candidate.policy if self.candidate else None, *reversed(self.history))
        return tuple(policy for policy in found if policy is not None)

    @property
    def policy_id(self) -> str:
        """The policy that all of it is about."""
        return self.policies[0].id
