"""What an agent runs: a pure step from messages to what is to be published for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.codec import Message, Outgoing
from schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to publish: the topic's full name, and the message."""

    topic: str
    message: Outgoing


class Stage(Protocol):
    """One step of the flow.

    ``process`` is synchronous and may take seconds: it runs off the event loop. It returns exactly one publication
    a message, in order (a verdict, or a dead letter for what cannot be read), and is a function of the messages
    alone, so that doing it again is harmless. If it raises, the caller halves the batch and tries again.
    """

    @property
    def name(self) -> str: ...
    @property
    def topic(self) -> Topic: ...

    def load(self) -> None:
        """Load what is slow to load. Called once, before the first ``process``; may be called again."""
        ...

    def process(self, messages: Sequence[Message]) -> Sequence[Publication]:
        """One publication a message, in order."""
        ...

    def give_up(self, message: Message, error: Exception) -> Publication:
        """The dead letter for a message that ``process`` cannot handle even alone."""
        ...
