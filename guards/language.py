"""Languages: which one a text is in, and what follows where a guard does not know it. Pure rules."""

from dataclasses import dataclass
from typing import Final, Protocol

from guards.guard import Guard
from schemas.actions import Action
from schemas.policy import Policy
from schemas.verdict import Finding

UNSUPPORTED: Final = "UNSUPPORTED_LANGUAGE"


class Spoken(Protocol):
    """The language of most of a text (ISO 639), how sure that is (0 to 1), and every language of its parts."""

    @property
    def code(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def parts(self) -> frozenset[str]: ...


class Linguist(Protocol):
    """Tells languages. Deterministic and thread-safe, in time linear in the text's length."""

    def identify(self, text: str) -> Spoken | None:
        """The language, or None where it cannot be told. Any string is legal."""
        ...


@dataclass(frozen=True, slots=True)
class Gap:
    """A guard does not know the language of most of a text; ``whole`` if it knows that of no part."""

    finding: Finding
    whole: bool

    def bounded(self, action: Action) -> Action:
        """The action of a score: where the guard can read nothing, no stricter than that for the language."""
        return min(action, self.finding.action, key=lambda each: each.severity) if self.whole else action


def gap(guard: Guard, spoken: Spoken | None, policy: Policy) -> Gap | None:
    """What the guard cannot read of a text, if anything. Languages that the policy vouches for count as known."""
    if spoken is None or guard.languages is None:
        return None
    known = guard.languages | policy.languages.supported
    if spoken.code in known:
        return None
    finding = Finding(
        guard=guard.name,
        label=UNSUPPORTED,
        kind="match",
        score=round(min(spoken.confidence, 1.0), 6),
        threshold=None,
        action=policy.languages.other,
        start=None,
        end=None,
    )
    return Gap(finding, whole=spoken.parts.isdisjoint(known))
