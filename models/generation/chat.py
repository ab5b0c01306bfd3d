"""Chats as token ids, by the model's own template."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, Protocol, TypedDict

from jinja2 import TemplateError

from schemas.conversation import Message, Role

_ROLES: Final[dict[Role, str]] = {"developer": "system", "tool": "user"}
"""Few templates know these; what a tool said is something to answer to."""

_PLAIN: Final = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Turn(TypedDict):
    """One message as templates read it."""

    role: str
    content: str


class Tokenizer(Protocol):
    """As much of a Transformers tokenizer as is used here."""

    chat_template: str | None

    def apply_chat_template(
        self, conversation: Sequence[Turn], *, chat_template: str | None, tokenize: bool, add_generation_prompt: bool
    ) -> str: ...
    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...
    def get_vocab(self) -> dict[str, int]: ...


class ChatFormat:
    """Writes chats for a model that reads at most ``context`` tokens. ``special`` are the tokens that mean no text."""

    def __init__(self, tokenizer: Tokenizer, context: int, special: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._template = tokenizer.chat_template or _PLAIN
        self._special = re.compile("|".join(re.escape(token) for token in special if len(token) > 1) or r"(?!)")
        # No token stands for more characters than the longest, so more text than this cannot fit.
        self._characters = context * max(map(len, tokenizer.get_vocab()))

    def encode(self, messages: Sequence[Message]) -> list[int] | None:
        """The chat up to where the answer begins; None if it is too long by far, which is found without reading it."""
        if sum(len(message.content) for message in messages) > self._characters:
            return None
        text = self._render(self._turns(messages))
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _turns(self, messages: Sequence[Message]) -> list[Turn]:
        """In roles that templates know, and with nothing in a text that acts as a token."""
        return _merged((_ROLES.get(message.role, message.role), self._inert(message.content)) for message in messages)

    def _inert(self, text: str) -> str:
        """The text without lone surrogates, which no tokenizer reads, and with its special tokens broken up."""
        sound = _SURROGATES.sub("\ufffd", text)
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", sound)

    def _render(self, turns: list[Turn]) -> str:
        try:
            return self._apply(turns)
        except TemplateError:  # some templates refuse a system message
            return self._apply(_without_system(turns))

    def _apply(self, turns: list[Turn]) -> str:
        return self._tokenizer.apply_chat_template(
            turns, chat_template=self._template, tokenize=False, add_generation_prompt=True
        )


def _merged(turns: Iterable[tuple[str, str]]) -> list[Turn]:
    """The turns, those of one role in a row made one: some templates insist that roles alternate."""
    return [
        Turn(role=role, content="\n\n".join(text for _, text in same))
        for role, same in groupby(turns, key=lambda turn: turn[0])
    ]


def _without_system(turns: list[Turn]) -> list[Turn]:
    """The same, what the system says standing before what the user says next."""
    return _merged(("user" if turn["role"] == "system" else turn["role"], turn["content"]) for turn in turns)
