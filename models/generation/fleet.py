"""Several models behind one engine: each prompt goes to the model of its route that is well, and on to the next."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from models.generation.circuit import Circuit
from models.generation.engine import Capacity, Done, Engine, Maker
from models.generation.generator import Answer, Prompt
from models.generation.voice import Tell
from schemas.errors import Code, WeirError

_OTHERS_MAY: Final = frozenset({Code.UNAVAILABLE, Code.MODEL_FAILED})
"""Codes of an answer that another model might have."""


@dataclass(slots=True)
class _Member:
    """A model, how it has been of late, and how many prompts it has. One that is ``broken`` is asked no more."""

    engine: Engine
    circuit: Circuit
    inside: set[int] = field(default_factory=set)
    broken: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt on its way: the models that are left, and when it came."""

    prompt: Prompt
    tell: Tell | None
    left: tuple[int, ...]
    since: float


class Fleet:
    """An ``Engine`` of several. ``names`` says which of ``engines`` each name means; the first serves who names none.

    A model that cannot be loaded, or fails time after time, is passed over where a route has another one.
    """

    kind = "fleet"

    def __init__(
        self,
        engines: Sequence[Engine],
        names: Mapping[str, int],
        report: Callable[[str, Exception], None] = lambda _name, _error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = [_Member(engine, Circuit(clock)) for engine in engines]
        self._names = names
        self._report = report
        self._clock = clock
        self._asked: dict[int, _Asked] = {}
        self._ended: list[Done] = []

    @property
    def name(self) -> str:
        return self._members[0].engine.name

    @property
    def version(self) -> str:
        return self._members[0].engine.version

    @property
    def names(self) -> Mapping[str, str]:
        """All that models may be called here, with their own names."""
        return {name: self._members[index].engine.name for name, index in self._names.items()}

    @property
    def capacity(self) -> Capacity:
        return self._well[0].engine.capacity

    def load(self) -> None:
        """Load all. Raises what the first raised if none can be had; else what is missing is reported."""
        errors: list[Exception] = []
        for member in self._members:
            try:
                member.engine.load()
            except Exception as error:
                if len(self._members) == 1 or not isinstance(error, WeirError):
                    raise
                member.broken = True
                errors.append(error)
                self._report(member.engine.name, error)
        if len(errors) == len(self._members):
            raise errors[0]

    def close(self) -> None:
        for member in self._members:
            member.engine.close()

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        route = tuple(dict.fromkeys(self._names[name] for name in prompt.route if name in self._names)) or (0,)
        self._hand(ticket, _Asked(prompt, tell, route, self._clock()))

    def cancel(self, ticket: int) -> None:
        for member in self._members:
            if ticket in member.inside:
                member.engine.cancel(ticket)

    def step(self) -> Sequence[Done]:
        for member in self._members:
            if member.inside:
                for done in self._stepped(member):
                    self._take(member, done)
        ended, self._ended = self._ended, []
        return ended

    @property
    def _well(self) -> list[_Member]:
        return [member for member in self._members if not member.broken] or self._members

    def _hand(self, ticket: int, asked: _Asked) -> None:
        """To the first that is well; if none is, to the first that can be asked at all, so that it says why."""
        able = [index for index in asked.left if not self._members[index].broken]
        chosen = next((index for index in able if self._members[index].circuit.allows()), able[0] if able else None)
        if chosen is None:
            answer = Answer(code=Code.UNAVAILABLE, reason="the model could not be loaded")
            self._ended.append(Done(ticket, answer, self._clock() - asked.since))
            return
        left = tuple(index for index in asked.left if index != chosen)
        self._asked[ticket] = replace(asked, left=left)
        self._members[chosen].inside.add(ticket)
        self._members[chosen].engine.submit(ticket, asked.prompt, asked.tell)

    def _stepped(self, member: _Member) -> Sequence[Done]:
        """What has ended there; if the engine itself breaks, all that it had has failed."""
        try:
            return member.engine.step()
        except Exception as error:
            if len(self._members) == 1:
                raise
            member.broken = True
            self._report(member.engine.name, error)
            answer = Answer(code=Code.MODEL_FAILED, reason=type(error).__name__)
            return [Done(ticket, answer, 0.0) for ticket in sorted(member.inside)]

    def _take(self, member: _Member, done: Done) -> None:
        member.inside.discard(done.ticket)
        asked = self._asked.pop(done.ticket)
        if done.answer.code in _OTHERS_MAY:
            member.circuit.failed()
            if asked.left:
                self._hand(done.ticket, asked)
                return
        elif done.answer.code is None:
            member.circuit.succeeded()
        engine = member.engine
        by = Maker(engine.name, engine.version, engine.kind)
        self._ended.append(replace(done, seconds=self._clock() - asked.since, by=by))
