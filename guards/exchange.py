"""What is judged together: a prompt, a response and the context passages that came with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from guards.guard import Passage, Side
from schemas.conversation import Interaction, Message, Request

SEPARATOR = "\n"
EVERY_SIDE: Final = frozenset(Side)


@dataclass(frozen=True, slots=True)
class Placed:
    """A passage and where it starts in its side's text."""

    offset: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class SideText:
    """One text to be judged: the prompt, the response or one context passage.

    ``text`` is what offsets count in: the contents of the messages joined by a newline.
    """

    side: Side
    text: str = field(repr=False)
    placed: tuple[Placed, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A prompt, a response, or both, with context. None means: not given.

    A side that is not in ``judged`` is only a companion: what the others are read against.
    """

    prompt: tuple[Message, ...] | None = field(default=None, repr=False)
    response: str | None = field(default=None, repr=False)
    context: tuple[str, ...] | None = field(default=None, repr=False)
    judged: frozenset[Side] = EVERY_SIDE

    @classmethod
    def of(cls, record: Request | Interaction) -> "Exchange":
        """The exchange in a record."""
        if isinstance(record, Request):
            return cls(prompt=record.messages, context=record.context)
        return cls(prompt=record.prompt, response=record.response, context=record.context)

    @classmethod
    def answering(cls, request: Request, response: str) -> "Exchange":
        """A response to be judged as the answer to a request that has been judged."""
        return cls(request.messages, response, request.context, judged=frozenset({Side.RESPONSE}))

    def judges(self, side: Side) -> bool:
        """Whether the side was given and is to be judged."""
        return side in self.judged and getattr(self, side) is not None

    def sides(self) -> Iterator[SideText]:
        """Every text to be judged: prompt, response, then the context passages in order."""
        if self.prompt is not None and self.judges(Side.PROMPT):
            yield SideText(Side.PROMPT, SEPARATOR.join(m.content for m in self.prompt), tuple(_placed(self.prompt)))
        if self.response is not None and self.judges(Side.RESPONSE):
            yield SideText(Side.RESPONSE, self.response, (Placed(0, self._answer(self.response)),))
        for text in (self.context or ()) if self.judges(Side.CONTEXT) else ():
            yield SideText(Side.CONTEXT, text, (Placed(0, Passage(text, Side.CONTEXT, "tool")),))

    def _answer(self, response: str) -> Passage:
        return Passage(
            response,
            Side.RESPONSE,
            "assistant",
            question=self._question(),
            context=self.context or (),
            conversation=self.prompt or (),
        )

    def _question(self) -> str | None:
        """What the response answers: the last message of the user, if there is one."""
        asked = [message.content for message in self.prompt or () if message.role == "user"]
        return asked[-1] if asked else None


def _placed(messages: Sequence[Message]) -> Iterator[Placed]:
    offset = 0
    for message in messages:
        yield Placed(offset, Passage(message.content, Side.PROMPT, message.role))
        offset += len(message.content) + len(SEPARATOR)
