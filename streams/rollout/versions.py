"""What is known of one policy: what the files say, and what the topic says over them."""

from dataclasses import dataclass

from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from schemas.policy_release import Candidate, PolicyRelease
from schemas.verdict import PolicyReference


@dataclass(frozen=True, slots=True)
class Versions:
    """Every version of one policy. ``base`` is the files' one; a release, where there is one, counts in its place."""

    policy_id: str
    base: Policy | None = None
    release: PolicyRelease | None = None

    @property
    def current(self) -> Policy | None:
        """The version in force."""
        return self.release.current if self.release else self.base

    @property
    def candidate(self) -> Candidate | None:
        """The version on trial."""
        return self.release.candidate if self.release else None

    @property
    def history(self) -> tuple[Policy, ...]:
        """Earlier versions in force, the latest last."""
        return self.release.history if self.release else ()

    @property
    def active(self) -> tuple[Policy, ...]:
        """The versions that may judge: in force and on trial."""
        found = (self.current, self.candidate.policy if self.candidate else None)
        return tuple(policy for policy in found if policy is not None)

    @property
    def released(self) -> tuple[PolicyReference, ...]:
        """Every version that the topic names, those withdrawn included."""
        if self.release is None:
            return ()
        return (*(policy.reference for policy in self.release.policies), *self.release.withdrawn)

    @property
    def known(self) -> tuple[PolicyReference, ...]:
        """Every version that the topic or the files name."""
        return (*self.released, *([self.base.reference] if self.base else ()))

    @property
    def overruled(self) -> bool:
        """Whether a release counts in place of a version of the files that is newer than all that were released."""
        numbers = [reference.version for reference in self.released]
        return self.base is not None and bool(numbers) and self.base.version > max(numbers)

    def pick(self, version: int | None = None) -> Policy:
        """The version with this number; None: the one in force.

        Raises:
            ConfigError: there is none, or no more of it is known than its number.
        """
        found = {policy.version: policy for policy in (*self._held, *self.active)}
        policy = self.current if version is None else found.get(version)
        if policy is not None:
            return policy
        there = f"; there are {', '.join(map(str, sorted(found)))}" if found else ""
        problem = "no version is in force" if version is None else f"there is no version {version} to look at"
        raise ConfigError(problem + there, code=Code.POLICY, field=self.policy_id)

    def pair(self, old: int | None = None, new: int | None = None) -> tuple[Policy, Policy]:
        """Two versions to compare. Without ``new``, ``old`` and the one in force.

        Without either, what an operator has before them: the one in force and the one on trial, or the one before and
        the one in force.

        Raises:
            ConfigError: one of them is not there.
        """
        if old is not None or new is not None:
            return self.pick(old), self.pick(new)
        if self.candidate is not None:
            return self.pick(), self.candidate.policy
        if not self.history:
            message = "nothing is on trial and nothing was in force before: nothing to compare"
            raise ConfigError(message, code=Code.POLICY, field=self.policy_id)
        return self.history[-1], self.pick()

    @property
    def _held(self) -> tuple[Policy, ...]:
        return (*([self.base] if self.base else ()), *(self.release.policies if self.release else ()))
