"""Answers on their way that are streamed: what the engine tells, as drafts. Pure.

An attempt is one time that the engine answers. Where it begins anew, so does the attempt, and what was drafted before
is void. A draft that is lost on its way does no harm but to the pace: the last one has all of the text.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from models.generation.generator import Answer
from schemas.errors import Code
from schemas.stream import Draft
from schemas.work import Completion
from streams.infer.desk import Question
from streams.infer.driver import Piece


@dataclass(slots=True)
class _Sketch:
    """One attempt: its text so far, how much of that is drafted, and in how many drafts."""

    question: Question
    attempt: UUID
    text: str = field(default="", repr=False)
    drafted: int = 0
    seq: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft of the answer to a question."""

    question: Question
    draft: Draft


class Drafting:
    """The streamed answers that are in the engine, by ticket."""

    def __init__(self, new_attempt: Callable[[], UUID] = uuid4) -> None:
        self._new_attempt = new_attempt
        self._sketches: dict[int, _Sketch] = {}
        self._changed: dict[int, None] = {}

    def hear(self, question: Question, piece: Piece) -> None:
        """The engine tells a piece of an answer."""
        sketch = self._sketches.get(piece.ticket)
        if sketch is None or (piece.at == 0 and sketch.text):
            sketch = self._sketches[piece.ticket] = _Sketch(question, self._new_attempt())
        sketch.text += piece.text
        self._changed[piece.ticket] = None

    def drafts(self) -> Iterator[Drafted]:
        """What was told since the last call, in one draft for each answer."""
        changed, self._changed = self._changed, {}
        for sketch in (self._sketches[ticket] for ticket in changed if ticket in self._sketches):
            yield Drafted(sketch.question, self._draft(sketch, sketch.text[sketch.drafted :]))

    def forget(self, ticket: int) -> None:
        """Nobody goes on with this answer here."""
        self._sketches.pop(ticket, None)

    def ends(self, ticket: int, attempt: UUID) -> bool:
        """A guard has ended the stream of this attempt; whether it is still being made."""
        sketch = self._sketches.get(ticket)
        if sketch is None or sketch.attempt != attempt:
            return False
        sketch.cut = True
        return True

    def ended(self, ticket: int, answer: Answer) -> Answer:
        """The answer; where it was stopped because a guard has ended its stream, what there is of it."""
        sketch = self._sketches.get(ticket)
        if sketch is None or not sketch.cut or answer.code is not Code.CANCELLED:
            return answer
        return replace(answer, text=sketch.text, finish_reason="content_filter", code=None, reason=None)

    def last(self, question: Question, ticket: int, completion: Completion) -> Draft | None:
        """The last draft of an answer, with its completion; None if it has no text, and none was begun."""
        sketch = self._sketches.pop(ticket, None)
        if completion.text is None:
            return None if sketch is None else self._draft(sketch, "", completion)
        if sketch is None or not completion.text.startswith(sketch.text):
            sketch = _Sketch(question, self._new_attempt())
        return self._draft(sketch, completion.text[sketch.drafted :], completion)

    def _draft(self, sketch: _Sketch, text: str, completion: Completion | None = None) -> Draft:
        work = sketch.question.event.record if sketch.seq == 0 else None
        draft = Draft(attempt=sketch.attempt, seq=sketch.seq, text=text, work=work, completion=completion)
        sketch.drafted += len(text)
        sketch.seq += 1
        return draft
