"""What was written, as metrics: counted once it counts."""

from collections.abc import Iterable

from streams.metrics import Metrics
from streams.settle.book import Book
from streams.settle.effects import Answered, Refused, Superseded
from streams.settle.step import STAGE, Consequence


def count(metrics: Metrics, consequences: Iterable[Consequence], book: Book) -> None:
    """Count the consequences of a turn, and how many requests wait after it."""
    for consequence in consequences:
        match consequence.effect:
            case Answered(reply, _, late):
                metrics.replies.labels(reply.status, reply.answered_by).inc()
                if late is not None:
                    metrics.deadline_lateness.observe(late)
            case Superseded(stage):
                metrics.superseded.labels(stage).inc()
            case Refused(error):
                metrics.dead_letters.labels(STAGE, str(error.code)).inc()
    for state, number in (("open", book.open), ("held", book.held), ("settled", book.settled)):
        metrics.requests_known.labels(state).set(number)
