"""observe: interactions that have already happened. There is nobody to answer: a verdict is all."""

from typing import Final

from guards.exchange import Exchange
from schemas.codec import Event
from schemas.conversation import Interaction
from schemas.topics import INTERACTIONS, Topic
from schemas.verdict import Stage
from streams.judging.flow import Arrival, Consequences, Failure, Ruling, Subject
from streams.stage import Publications


class Observe:
    """Judges every side of an interaction."""

    name: Final[Stage] = "observe"
    topic: Final[Topic] = INTERACTIONS
    record: Final = Interaction

    def subject(self, event: Event[Interaction]) -> Subject:
        record = event.record
        return Subject(record.app, record.user, event.conversation, record.model, Exchange.of(record))

    def follow(self, arrival: Arrival[Interaction], ruling: Ruling) -> Consequences:  # noqa: ARG002 - nothing follows
        return Consequences()

    def fail(self, arrival: Arrival[Interaction], failure: Failure) -> Publications:  # noqa: ARG002 - likewise
        return ()
