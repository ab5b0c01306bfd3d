"""What an agent runs: a pure step from messages to what is to be published for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from schemas.codec import Message, Outgoing
from schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to publish: the topic's full name, and the message."""

    topic: str
    message: Outgoing


Publications: TypeAlias = tuple[Publication, ...]
"""All that one message causes. The message is done when every one of them is delivered."""


class Stage(Protocol):
    """One step of the flow.

    ``process`` is synchronous and may take seconds: it runs off the event loop. It returns what each message causes,
    in order (a dead letter for what cannot be read), and is a function of the messages and the policies in force
    alone, so that doing it again is harmless. If it raises, the caller halves the batch and tries again.
    """

    @property
    def name(self) -> str: ...
    @property
    def topic(self) -> Topic: ...

    def load(self) -> None:
        """Load what is slow to load. Called once, before the first ``process``; may be called again."""
        ...

    def process(self, messages: Sequence[Message]) -> Sequence[Publications]:
        """The publications of each message, in the order of the messages."""
        ...

    def give_up(self, message: Message, error: Exception) -> Publication:
        """The dead letter for a message that ``process`` cannot handle even alone."""
        ...
