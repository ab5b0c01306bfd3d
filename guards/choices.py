"""Which guards judge by a policy: the built-in ones, and the models that it chooses in their place.

A policy that names a model which does not exist, or cannot be loaded, is refused where it is put in force
(``Choices.load``). Should one be judged by all the same, the guard fails for every passage: a finding of kind
``error``, to which the policy's fail mode applies, never a silent pass.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final, TypeAlias

from guards.guard import Guard, Passage, Reading, TextFeatures
from guards.subjects import SubjectGuards
from guards.tailoring import Tailor, Tailoring
from schemas.errors import Code, ConfigError
from schemas.policy import Policy

BUILT_IN: Final = "built-in"
"""What a policy may call the model that a guard has without a choice."""

RETRY_SECONDS: Final = 60.0
"""How long a model that could not be loaded is left alone."""

Alternatives: TypeAlias = Mapping[str, Mapping[str, Callable[[], Guard]]]
"""What builds the other models of a guard, by the guard's name and the model's. May take seconds, and may raise."""


class AbsentGuard:
    """Stands for a model that cannot be loaded: it fails for whatever the built-in guard would have read."""

    version = "unavailable"

    def __init__(self, built_in: Guard) -> None:
        self.name = built_in.name
        self.labels = built_in.labels
        self.lower_is_worse = built_in.lower_is_worse
        self.languages: frozenset[str] | None = None  # it reads nothing, and says so
        self._built_in = built_in

    def applies(self, passage: Passage) -> bool:
        return self._built_in.applies(passage)

    def needs(self, passage: Passage) -> Sequence[str]:  # noqa: ARG002 - nothing is computed in vain
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:  # noqa: ARG002 - as above
        raise ConfigError("the model that the policy chooses is not loaded", code=Code.MODEL_MISSING, field=self.name)


@dataclass(frozen=True, slots=True)
class _Absence:
    guard: AbsentGuard
    until: float


class Choices:
    """The built-in guards and, each loaded when a policy first wants it, their alternatives. Thread-safe.

    ``report`` is told the model's name and the error when a policy already at work wants a model in vain.
    """

    def __init__(
        self,
        guards: Sequence[Guard],
        alternatives: Alternatives,
        *,
        report: Callable[[str, Exception], None] = lambda _model, _error: None,
        clock: Callable[[], float] = monotonic,
        encoder_version: str = "",
        tailors: Mapping[str, Tailor] | None = None,
    ) -> None:
        self._built_in = tuple(guards)
        self._subjects = SubjectGuards(encoder_version)
        self._alternatives = alternatives
        self._tailoring = Tailoring(tailors or {})
        self._report = report
        self._clock = clock
        self._loaded: dict[tuple[str, str], Guard] = {}
        self._absent: dict[tuple[str, str], _Absence] = {}
        self._lock = Lock()

    def load(self, policies: Iterable[Policy]) -> None:
        """Load what the policies choose and is not loaded yet. Blocks, perhaps for seconds.

        Raises:
            ConfigError: ``POLICY`` for a model that does not exist, naming those that do.
            WeirError: what loading the model raised.
        """
        wanted = list(policies)
        refuse_unknown(wanted, self._alternatives)
        for policy in wanted:
            for name, model in policy.models.items():
                if model != BUILT_IN:
                    self._load(name, model)
            self.of(policy)

    def of(self, policy: Policy) -> tuple[Guard, ...]:
        """The guards that judge by the policy, in the order of the built-in ones. Never raises.

        Blocks while a model is loaded that ``load`` was not asked for.
        """
        chosen: dict[str, str] = {guard: model for guard, model in policy.models.items()}  # noqa: C416 - wider keys
        guards = tuple(
            self._tailoring.fitted(self._chosen(guard, chosen.get(guard.name, BUILT_IN)), policy)
            for guard in self._built_in
        )
        return (*guards, self._subjects.of(policy)) if policy.has_subjects else guards

    def _chosen(self, built_in: Guard, model: str) -> Guard:
        key = (built_in.name, model)
        if model == BUILT_IN:
            return built_in
        absence = self._absent.get(key)
        if absence is not None and self._clock() < absence.until:
            return absence.guard
        try:
            return self._load(*key)
        except Exception as error:  # noqa: BLE001 - whatever a loader raises, the failure is a finding
            self._report(model, error)
            guard = absence.guard if absence is not None else AbsentGuard(built_in)
            self._absent[key] = _Absence(guard, self._clock() + RETRY_SECONDS)
            return guard

    def _load(self, name: str, model: str) -> Guard:
        key = (name, model)
        if key in self._loaded:
            return self._loaded[key]  # without the lock: what is at hand does not wait for what is being loaded
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._alternatives[name][model]()
            return self._loaded[key]


def refuse_unknown(policies: Iterable[Policy], known: Mapping[str, Collection[str]]) -> None:
    """Check that every model which the policies choose is ``known``, by guard.

    Raises:
        ConfigError: ``POLICY``, naming the policy, the guard and the models that it has.
    """
    for policy in policies:
        for guard, model in policy.models.items():
            names = (BUILT_IN, *known.get(guard, ()))
            if model not in names:
                message = f"policy {policy.id}: {guard} has no model {model!r}; known: {', '.join(names)}"
                raise ConfigError(message, code=Code.POLICY, field=f"models.{guard}")
