"""Records as messages: which topic, which envelope, which key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.codec import Message, encode
from schemas.dead_letter import dead_letter
from schemas.envelope import Envelope, event_type
from schemas.errors import WeirError
from schemas.record import Record
from schemas.topics import Namespace, Topic
from streams.stage import Publication


@dataclass(frozen=True, slots=True)
class Outbox:
    """Addresses what a stage has to say."""

    stage: str
    namespace: Namespace
    clock: Callable[[], datetime]

    def forward(self, topic: Topic, record: Record, request: Envelope, key: str) -> Publication:
        """A record that goes on under the id and source of its request."""
        return self._publication(topic, record, request, request.id, request.source, key)

    def report(self, topic: Topic, record: Record, about: Envelope, report_id: UUID, key: str) -> Publication:
        """A record of the stage's own about an event, under an id of its own."""
        return self._publication(topic, record, about, str(report_id), f"{self.namespace.prefix}/{self.stage}", key)

    def dead_letter(self, topic: Topic, message: Message, error: WeirError) -> Publication:
        """A message of the topic as it came, with the reason why nothing can be done with it."""
        letter = dead_letter(message, self.stage, error, topic.max_message_bytes)
        return Publication(self.namespace.dead_letters_of(topic), letter)

    def _publication(
        self, topic: Topic, record: Record, about: Envelope, event_id: str, source: str, key: str
    ) -> Publication:
        envelope = Envelope(
            id=event_id,
            source=source,
            type=event_type(topic.type_name),
            time=self.clock(),
            traceparent=about.traceparent,
            tracestate=about.tracestate,
        )
        return Publication(self.namespace.of(topic), encode(record, envelope, key=key))
