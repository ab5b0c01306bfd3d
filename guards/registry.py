"""Every guard, by the name that policies use. A new guard is one file, one line here and one table of examples.

So is another model for a guard: one line in ``ALTERNATIVES``, under the name that a policy's ``models`` chooses it by.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from guards.choices import refuse_unknown
from guards.classifier import ClassifierGuard, Scope
from guards.disguise import Disguises
from guards.groundedness import GroundednessGuard
from guards.guard import Encoder, Guard, Head, Scorer, Side
from guards.language import Linguist
from guards.leakage import LeakageGuard
from guards.oversight import Oversight
from guards.pii import PiiGuard, Tagger, Wanted
from guards.pipeline import Describers, Pipeline
from guards.refusal import RefusalGuard, Refusals
from guards.relevance import RelevanceGuard
from guards.scorer import ScorerGuard
from guards.secrets import SecretsGuard
from guards.tailoring import Fit, Tailor
from guards.topics import Topics, topic_names
from schemas.errors import Code, ConfigError
from schemas.policy import Policy


def _no_detoxify() -> Scorer:
    raise ConfigError("this pipeline was built without Detoxify", code=Code.MODEL_MISSING, field="detoxify")


@dataclass(frozen=True, slots=True)
class Parts:
    """The models that guards are made of: loaded, or loaded when a policy first wants them.

    ``detoxify`` may take seconds, and raises a ``WeirError`` if the model cannot be loaded. Without a ``tagger`` names
    and addresses are not found, without a ``linguist`` no text has a language, and without
    ``indirect`` the passages of the context are judged like prompts.
    """

    encoder: Encoder
    toxicity: Head
    injection: Head
    detoxify: Callable[[], Scorer] = _no_detoxify
    tagger: Tagger | None = None
    disguises: Disguises = field(default_factory=Disguises.load)
    linguist: Linguist | None = None
    indirect: Head | None = None


Build: TypeAlias = Callable[[Parts], Guard]

_SPOKEN: Final = frozenset({Side.PROMPT, Side.RESPONSE})
_SPEAKERS: Final = frozenset({"user", "assistant", "tool"})


def _toxicity(parts: Parts) -> Guard:
    scope = Scope(dict.fromkeys(_SPOKEN, parts.toxicity), _SPEAKERS, encoder=parts.encoder.version)
    return ClassifierGuard("toxicity", scope, parts.disguises)


def _detoxify(parts: Parts) -> Guard:
    return ScorerGuard("toxicity", parts.detoxify(), _SPOKEN, _SPEAKERS)


def _injection(parts: Parts) -> Guard:
    heads = {Side.PROMPT: parts.injection, Side.CONTEXT: parts.indirect or parts.injection}
    scope = Scope(heads, frozenset({"user", "tool"}), encoder=parts.encoder.version)
    return ClassifierGuard("injection", scope, parts.disguises, marks=True)


def _pii(parts: Parts) -> Guard:
    guard = PiiGuard(parts.tagger)
    guard.load()
    return guard


def _pii_patterns(_: Parts) -> Guard:
    guard = PiiGuard()
    guard.load()
    return guard


def _refusals(parts: Parts) -> Refusals:
    refusals = Refusals(parts.encoder)
    refusals.load()
    return refusals


def _secrets(_: Parts) -> Guard:
    guard = SecretsGuard()
    guard.load()
    return guard


GUARDS: Final[Mapping[str, Build]] = {
    "toxicity": _toxicity,
    "injection": _injection,
    "pii": _pii,
    "secrets": _secrets,
    "relevance": lambda parts: RelevanceGuard(_refusals(parts), parts.encoder.version),
    "refusal": lambda parts: RefusalGuard(_refusals(parts)),
    "groundedness": lambda parts: GroundednessGuard(_refusals(parts)),
    "leakage": lambda _: LeakageGuard(),
}


def _fit_pii(policy: Policy) -> Fit | None:
    wanted = Wanted(policy.locales, policy.recognizers)

    def make(guard: Guard) -> Guard:
        return guard.tailored(wanted) if isinstance(guard, PiiGuard) else guard

    return Fit(wanted, make) if wanted != Wanted() else None


def _fit_leakage(policy: Policy) -> Fit | None:
    return Fit(policy.canaries, lambda _: LeakageGuard(policy.canaries)) if policy.canaries else None


TAILORS: Final[Mapping[str, Tailor]] = {"pii": _fit_pii, "leakage": _fit_leakage}
"""What a policy may ask of a guard beside thresholds."""

ALTERNATIVES: Final[Mapping[str, Mapping[str, Build]]] = {
    "toxicity": {"detoxify": _detoxify},
    "pii": {"patterns": _pii_patterns},
}


def refuse_unknown_names(policies: Iterable[Policy]) -> None:
    """Check that the models which the policies choose, and the topics that they watch, exist. Loads nothing.

    Raises:
        ConfigError: ``POLICY``, naming the policy and what it may choose.
    """
    wanted = list(policies)
    refuse_unknown(wanted, ALTERNATIVES)
    known = topic_names()
    for policy in wanted:
        for topic in sorted(policy.alarms.topics.difference(known)):
            message = f"policy {policy.id}: there is no topic {topic!r}; known: {', '.join(sorted(known))}"
            raise ConfigError(message, code=Code.POLICY, field="alarms.topics")


def build_pipeline(
    parts: Parts,
    policies: Iterable[Policy] = (),
    oversight: Oversight | None = None,
) -> Pipeline:
    """A pipeline of every guard, prepared for the policies.

    Loads the pattern guards and the models that the policies choose: a second or many, so do it off the event loop.
    ``oversight`` says how long guards may take and who is told of their faults, of missing models too.

    Raises:
        ConfigError: ``POLICY`` for a model that does not exist, naming those that do.
        WeirError: a model that cannot be loaded.
    """
    alternatives = {
        guard: {model: partial(build, parts) for model, build in models.items()}
        for guard, models in ALTERNATIVES.items()
    }
    guards = [build(parts) for build in GUARDS.values()]
    topics = Topics(parts.encoder)
    topics.load()
    describers = Describers(parts.linguist, topics)
    pipeline = Pipeline(guards, parts.encoder, alternatives, oversight, describers, TAILORS)
    pipeline.prepare(policies)
    return pipeline
