"""What an app allows: which guards read which side, and what happens above which score."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator, model_validator
from pydantic_core import PydanticCustomError

from schemas.actions import Action, worst
from schemas.errors import Code, ConfigError
from schemas.recognizer import Recognizer
from schemas.record import LONGEST_DAYS, Identifier
from schemas.sampling import Sampling
from schemas.serving import Limits, Serving
from schemas.signal import SignalName
from schemas.verdict import Fraction, Origin, PolicyReference

GuardName = Literal[
    "toxicity", "injection", "pii", "secrets", "relevance", "refusal", "groundedness", "leakage", "subjects"
]

LOWER_IS_WORSE: Final = frozenset({"relevance", "groundedness"})
SPAN_GUARDS: Final = frozenset({"pii", "secrets"})
OPT_IN: Final = frozenset({"ORGANIZATION", "DATE_TIME", "AGE", "TITLE", "NRP"})
"""Labels of personal data that say little alone: nothing is done about them unless a rule names them."""
SIDES_OF: Final[Mapping[str, frozenset[str]]] = {
    "toxicity": frozenset({"prompt", "response"}),
    "injection": frozenset({"prompt", "context"}),
    "pii": frozenset({"prompt", "response", "context"}),
    "secrets": frozenset({"prompt", "response", "context"}),
    "relevance": frozenset({"response"}),
    "refusal": frozenset({"response"}),
    "groundedness": frozenset({"response"}),
    "leakage": frozenset({"response"}),
    "subjects": frozenset({"prompt", "response"}),
}


class _Section(BaseModel):
    """A part of a policy: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Step(_Section):
    """An action and the score from which it applies."""

    action: Action
    threshold: float


class Steps(_Section):
    """Thresholds by action, such as ``{flag: 0.5, block: 0.9}``; the strictest one that a score passes counts.

    What only passes ``allow`` is a finding, and masked where it is stored, but no reason to do anything.
    """

    allow: Fraction | None = None
    flag: Fraction | None = None
    redact: Fraction | None = None
    hold: Fraction | None = None
    block: Fraction | None = None

    @cached_property
    def ladder(self) -> tuple[Step, ...]:
        """The steps that are set, strictest first."""
        found = ((action, getattr(self, action)) for action in Action)
        steps = [Step(action=action, threshold=threshold) for action, threshold in found if threshold is not None]
        return tuple(reversed(steps))

    def step_for(self, score: float, *, lower_is_worse: bool) -> Step | None:
        """The strictest step that the score passes; None when it passes none."""
        for step in self.ladder:
            if score < step.threshold if lower_is_worse else score >= step.threshold:
                return step
        return None


def _in_order(labels: frozenset[str]) -> list[str]:
    # The order of a set differs between processes; the hash of a policy must not.
    return sorted(labels)


class Rule(Steps):
    """What to do with one guard's findings on one side.

    ``labels`` override the steps for single labels, ``ignore`` turns labels off. ``echo`` is the action, instead of
    the steps', for a span in a response that the user or the context gave before. ``on_error`` is the action when the
    guard fails; by default a guard that may block or hold does so, and any other flags.
    """

    labels: dict[Identifier, Steps] = Field(default_factory=dict)
    ignore: Annotated[frozenset[Identifier], PlainSerializer(_in_order)] = frozenset()
    echo: Action | None = None
    on_error: Action | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.ladder and not any(steps.ladder for steps in self.labels.values()):
            raise PydanticCustomError("no_steps", "needs at least one of allow, flag, redact, hold, block")
        return self

    def steps_for(self, label: str) -> Steps | None:
        """The steps for a label; None when the label is ignored, or has to be named and is not."""
        if label in self.ignore or (label in OPT_IN and label not in self.labels):
            return None
        return self.labels.get(label, self)

    def action_for(self, step: Step, origin: Origin | None) -> Action:
        """The action of a span that passed the step."""
        return self.echo if self.echo is not None and origin == "echo" else step.action

    @property
    def error_action(self) -> Action:
        """What happens when the guard fails."""
        if self.on_error is not None:
            return self.on_error
        every = (step.action for steps in (self, *self.labels.values()) for step in steps.ladder)
        strictest = worst(every)
        return strictest if strictest in {Action.HOLD, Action.BLOCK} else Action.FLAG


Rules = dict[GuardName, Rule]


class Languages(_Section):
    """Texts in languages that a guard does not know: ``other`` is what happens, and the most that its scores may do.

    ``supported`` are languages (ISO 639) that the policy vouches for: every guard's scores count in them.
    """

    other: Action = Action.FLAG
    supported: Annotated[frozenset[Identifier], PlainSerializer(_in_order)] = frozenset()

    @field_validator("other")
    @classmethod
    def _can_be_done(cls, other: Action) -> Action:
        if other is Action.REDACT:
            raise PydanticCustomError("language", "a language has no span to redact: allow, flag, hold or block")
        return other


LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Alarms(_Section):
    """What the monitor watches, and how many false pages that may cost.

    ``pages`` is the most that is expected in 90 days over all series of an app while nothing is wrong. ``signals`` are
    those watched (None: all), ``languages`` and ``topics`` those whose shares are series of their own.
    ``reference_days`` of traffic are learnt from before anything pages; with ``learn_from`` those that begin there, or
    later.
    """

    pages: Annotated[float, Field(gt=0, le=90)] = 1.0
    signals: Annotated[frozenset[SignalName], PlainSerializer(_in_order)] | None = None
    languages: Annotated[frozenset[LanguageCode], PlainSerializer(_in_order), Field(max_length=20)] = frozenset({"en"})
    topics: Annotated[frozenset[Identifier], PlainSerializer(_in_order), Field(max_length=20)] = frozenset()
    reference_days: Annotated[int, Field(ge=14, le=56, strict=True)] = 28
    learn_from: datetime | None = None

    @field_validator("learn_from")
    @classmethod
    def _with_a_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise PydanticCustomError("zone", "needs a time zone, such as 2026-11-27T00:00:00Z")
        return moment


class Deadlines(_Section):
    """How long a request may take: when it does not say, and at most."""

    default_seconds: Annotated[float, Field(gt=0, le=604_800)] = 60.0
    max_seconds: Annotated[float, Field(gt=0, le=604_800)] = 3_600.0


class Holds(_Section):
    """How long a hold waits for a person, and what happens when nobody comes."""

    seconds: Annotated[int, Field(ge=1, le=518_400, strict=True)] = 86_400  # within the retention of its topic
    on_expiry: Literal["refuse", "release"] = "refuse"


class Replies(_Section):
    """What applications read. ``restore`` puts back in a reply what was redacted in its prompt."""

    restore: bool = True
    refusal: Annotated[str, Field(min_length=1, max_length=2_000)] = "This request cannot be answered."


class Retention(_Section):
    """For how many days, at most, the store keeps what belongs to the policy's traffic; None: as long as its tables do.

    No fewer than 15, a day more than dead letters stay in Kafka: what can be read again still has its row.
    """

    days: Annotated[int, Field(ge=15, le=LONGEST_DAYS, strict=True)] | None = None


Operator = Literal["replace", "mask", "hash", "drop"]


class Redaction(_Section):
    """What is put in the place of what is redacted: by default ``operator``, by label another one.

    ``replace`` by a numbered placeholder, the only one that is undone in the reply; ``mask`` by stars, but for the
    last four of many digits; ``hash`` by a keyed digest, the same for the same value everywhere; ``drop`` it.
    """

    operator: Operator = "replace"
    labels: dict[Identifier, Operator] = Field(default_factory=dict)

    def operator_for(self, label: str) -> Operator:
        """The label's operator."""
        return self.labels.get(label, self.operator)


Example = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\w")]
SubjectName = Annotated[Identifier, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
SubjectExamples = dict[SubjectName, Annotated[tuple[Example, ...], Field(min_length=1, max_length=200)]]


class Subjects(_Section):
    """What may be talked about, each subject by sentences that are examples of it.

    A text about a ``forbidden`` one has its score; where some are ``allowed``, a text about none of them is off.
    """

    forbidden: Annotated[SubjectExamples, Field(max_length=50)] = {}
    allowed: Annotated[SubjectExamples, Field(max_length=50)] = {}

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        both = sorted(self.forbidden.keys() & self.allowed.keys())
        if both:
            raise PydanticCustomError("subjects", "{name} is both forbidden and allowed", {"name": both[0]})
        return self


Locale = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Canary = Annotated[str, Field(min_length=8, max_length=200)]


class Policy(_Section):
    """One version of a policy. A guard that a side does not name is off there: scored, but never a finding.

    A text longer than ``max_chars`` code points is not judged at all: its outcome is ``too_long``, never a partial
    judgement passed off as whole. ``default`` lets the policy serve apps that no policy names. ``models`` chooses
    another model for a guard, such as ``toxicity: detoxify``. ``locales`` are the countries whose numbers are personal
    data (None: all that are known), ``recognizers`` kinds of one's own, ``canaries`` what no response may hold.
    """

    id: Annotated[Identifier, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[int, Field(ge=1, strict=True)]
    description: str = ""
    apps: tuple[Identifier, ...] = ()
    default: bool = False
    models: dict[GuardName, Identifier] = Field(default_factory=dict)
    max_chars: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] = 100_000
    too_long: Action = Action.BLOCK
    subjects: Subjects = Subjects()
    locales: Annotated[frozenset[Locale], PlainSerializer(_in_order), Field(min_length=1)] | None = None
    recognizers: Annotated[tuple[Recognizer, ...], Field(max_length=100)] = ()
    canaries: Annotated[tuple[Canary, ...], Field(max_length=100)] = ()
    prompt: Rules = Field(default_factory=dict)
    response: Rules = Field(default_factory=dict)
    context: Rules = Field(default_factory=dict)
    languages: Languages = Languages()
    sampling: Sampling = Sampling()
    alarms: Alarms = Alarms()
    deadline: Deadlines = Deadlines()
    hold: Holds = Holds()
    redaction: Redaction = Redaction()
    replies: Replies = Replies()
    serving: Serving = Serving()
    limits: Limits = Limits()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _rules_fit_their_guards(self) -> Self:
        for side in ("prompt", "response", "context"):
            for guard, rule in self.rules(side).items():
                _check_rule(side, guard, rule)
            if "subjects" in self.rules(side) and not self.has_subjects:
                raise _fault(side, "subjects", "the policy names none: give it subjects, forbidden or allowed")
        return self

    @property
    def has_subjects(self) -> bool:
        """Whether any subject is forbidden or allowed."""
        return bool(self.subjects.forbidden or self.subjects.allowed)

    def rules(self, side: str) -> Rules:
        """The rules of a side: ``prompt``, ``response`` or ``context``."""
        rules: Rules = getattr(self, side)
        return rules

    @cached_property
    def reference(self) -> PolicyReference:
        """Id, version and a hash of the whole content, for verdicts."""
        # A key that came later and is not used leaves the hash of what was pushed before it as it was.
        unused = set() if self.retention.days else {"retention"}
        content = json.dumps(self.model_dump(mode="json", exclude=unused), sort_keys=True).encode()
        return PolicyReference(id=self.id, version=self.version, hash=hashlib.sha256(content).hexdigest()[:16])


def _check_rule(side: str, guard: str, rule: Rule) -> None:
    if side not in SIDES_OF[guard]:
        raise _fault(side, guard, f"{guard} does not read this side")
    if rule.echo is not None and (side != "response" or guard not in SPAN_GUARDS):
        raise _fault(side, guard, "echo is for pii and secrets in a response")
    for steps in (rule, *rule.labels.values()):
        if steps.redact is not None and guard not in SPAN_GUARDS:
            raise _fault(side, guard, f"{guard} finds no spans to redact: flag, hold or block")
        thresholds = [step.threshold for step in steps.ladder]
        if thresholds != sorted(thresholds, reverse=guard not in LOWER_IS_WORSE):
            raise _fault(side, guard, "a stricter action needs a more extreme threshold")


def _fault(side: str, guard: str, problem: str) -> PydanticCustomError:
    # The place travels in the context: a validator of the whole policy has no location of its own.
    return PydanticCustomError("rule", "{problem}", {"problem": problem, "place": [side, guard]})


class PolicyBook:
    """The policies in force, by app."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies: tuple[Policy, ...] = tuple(policies)
        self._by_app: dict[str, Policy] = {}
        for policy in self.policies:
            for app in policy.apps:
                if app in self._by_app:
                    raise ConfigError(f"two policies serve the app {app!r}", code=Code.POLICY, field="apps")
                self._by_app[app] = policy
        defaults = [policy for policy in self.policies if policy.default]
        if len(defaults) > 1:
            raise ConfigError("more than one policy is the default", code=Code.POLICY, field="default")
        self._default = defaults[0] if defaults else None

    def for_app(self, app: str) -> Policy | None:
        """The policy that serves the app, else the default one, else None (``UNKNOWN_APP``)."""
        return self._by_app.get(app, self._default)
