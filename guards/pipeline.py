"""Exchanges and their policies to judgements: the one way that texts are judged, on the command line and on Kafka."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guards.choices import Alternatives, Choices
from guards.decision import judge_side, unjudged_side
from guards.exchange import SEPARATOR, Exchange, SideText
from guards.guard import Encoder, Guard, Passage, Side
from guards.language import Linguist, Spoken
from guards.oversight import Oversight
from guards.reader import Features, Reader, Readings
from guards.tailoring import Tailor
from guards.topics import LANGUAGES, Place, Topics
from schemas.actions import worst
from schemas.policy import Policy
from schemas.verdict import Judgement, SideJudgement

_APPLICATION: Final = frozenset({"system", "developer"})  # roles whose words are the application's own


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange and the policy that it is judged by.

    With ``only``, just the guards of these names judge, and the language is not told: of a part of a text it may be
    wrong, and what a guard says of a part counts in any language.
    """

    exchange: Exchange
    policy: Policy
    only: frozenset[str] | None = None

    def guards(self, chosen: Sequence[Guard]) -> tuple[Guard, ...]:
        """Those of the policy's guards that judge."""
        return tuple(guard for guard in chosen if self.only is None or guard.name in self.only)


@dataclass(frozen=True, slots=True)
class _Task:
    """A case with the texts to be judged and the guards that its policy chooses."""

    case: Case
    texts: tuple[SideText, ...]
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Describers:
    """What tells of a text beside guards: its language, and what it is about."""

    linguist: Linguist | None = None
    topics: Topics | None = None


@dataclass(frozen=True, slots=True)
class _Described:
    """What a text was found to be in and about."""

    spoken: Spoken | None = None
    place: Place | None = None


class Pipeline:
    """Judges exchanges in batches. Thread-safe; a judgement does not depend on what else is in the batch.

    ``alternatives`` are the other models that policies may choose, by guard; ``oversight`` says how long guards may
    take and who is told of their faults. Without a linguist among the ``describers`` no language is known, and no guard
    has a gap. ``tailors`` say what policies ask of guards.
    """

    def __init__(
        self,
        guards: Sequence[Guard],
        encoder: Encoder,
        alternatives: Alternatives | None = None,
        oversight: Oversight | None = None,
        describers: Describers | None = None,
        tailors: Mapping[str, Tailor] | None = None,
    ) -> None:
        oversight = oversight or Oversight()
        self._choices = Choices(
            guards,
            alternatives or {},
            report=oversight.watcher.absent,
            encoder_version=encoder.version,
            tailors=tailors,
        )
        self._reader = Reader(encoder, oversight)
        self._describers = describers or Describers()

    def versions_for(self, policy: Policy) -> Mapping[str, str]:
        """The version of every guard that judges by the policy, by name; ``unavailable`` where a model is absent.

        That of the map of topics is among them.
        """
        topics = self._describers.topics
        found = {guard.name: guard.version for guard in self.guards_for(policy)}
        return {**found, "topics": topics.version} if topics else found

    def guards_for(self, policy: Policy) -> tuple[Guard, ...]:
        """The guards that judge by the policy, with the models that it chooses."""
        return self._choices.of(policy)

    def prepare(self, policies: Iterable[Policy]) -> None:
        """Load the models that the policies choose, before they are in force. May take seconds; safe to repeat.

        A policy that was not prepared has its models loaded when it first judges.

        Raises:
            ConfigError: ``POLICY`` for a model that does not exist, naming those that do.
            WeirError: a model that cannot be loaded.
        """
        self._choices.load(policies)

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """One judgement a case, in order. Never raises for a text or a guard at fault: that is a finding."""
        tasks = [
            _Task(case, tuple(case.exchange.sides()), case.guards(self._choices.of(case.policy))) for case in cases
        ]
        lecture = self._reader.read(_plan(tasks), max((case.policy.max_chars for case in cases), default=0))
        spoken = self._spoken(tasks)
        return [_judge(task, lecture.readings, self._described(task, spoken, lecture.features)) for task in tasks]

    def _spoken(self, tasks: Sequence[_Task]) -> Mapping[str, Spoken | None]:
        """The language of every text to be judged, by what others than the application wrote of it."""
        linguist = self._describers.linguist
        if linguist is None:
            return {}
        whole = [task for task in tasks if task.case.only is None]
        written = {_written(text) for task in whole for text in task.texts if not _too_long(text, task.case.policy)}
        return {text: linguist.identify(text) for text in written}

    def _described(
        self, task: _Task, spoken: Mapping[str, Spoken | None], features: Features
    ) -> Mapping[SideText, _Described]:
        """What is known of each text. A part of one says nothing of the whole."""
        if task.case.only is not None:
            return {}
        known = LANGUAGES | task.case.policy.languages.supported
        return {
            text: _Described(found := spoken.get(_written(text)), self._place(text, found, known, features))
            for text in task.texts
        }

    def _place(self, side: SideText, spoken: Spoken | None, known: frozenset[str], features: Features) -> Place | None:
        """Where a text is: that of its last message. None where no guard needed its vector, or the encoder is lost."""
        if self._describers.topics is None or (spoken is not None and spoken.code not in known):
            return None
        last = features.get(side.placed[-1].passage.text) if side.placed else None
        return None if last is None else self._describers.topics.place(last)


def _written(side: SideText) -> str:
    return SEPARATOR.join(placed.passage.text for placed in side.placed if placed.passage.role not in _APPLICATION)


def _plan(tasks: Sequence[_Task]) -> Mapping[Guard, Mapping[Passage, None]]:
    """What each guard has to read: the distinct passages that it applies to, of texts that are not too long."""
    plan: dict[Guard, dict[Passage, None]] = {}
    for task in tasks:
        passages = [p.passage for text in task.texts if not _too_long(text, task.case.policy) for p in text.placed]
        for guard in task.guards:
            plan.setdefault(guard, {}).update((passage, None) for passage in passages if guard.applies(passage))
    return plan


def _judge(task: _Task, readings: Readings, described: Mapping[SideText, _Described]) -> Judgement:
    judged: dict[Side, list[SideJudgement]] = {side: [] for side in Side}
    for text in task.texts:
        judged[text.side].append(_judge_side(text, task, readings, described.get(text, _Described())))
    return Judgement(
        action=worst(side.action for sides in judged.values() for side in sides),
        prompt=next(iter(judged[Side.PROMPT]), None),
        response=next(iter(judged[Side.RESPONSE]), None),
        context=tuple(judged[Side.CONTEXT]) if task.case.exchange.judges(Side.CONTEXT) else None,
    )


def _judge_side(text: SideText, task: _Task, readings: Readings, described: _Described) -> SideJudgement:
    if _too_long(text, task.case.policy):
        return unjudged_side(text, task.guards, task.case.policy)
    return judge_side(text, task.guards, readings, task.case.policy, described.spoken, described.place)


def _too_long(side: SideText, policy: Policy) -> bool:
    return len(side.text) > policy.max_chars
