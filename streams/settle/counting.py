"""What was written, as metrics: counted once it counts."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from schemas.envelope import Envelope, event_type
from schemas.topics import REQUESTS
from streams.metrics import Metrics
from streams.settle.book import Book
from streams.settle.effects import Answered, Refused, Released, Superseded
from streams.settle.step import STAGE, Consequence
from streams.tracing.steps import replied
from streams.tracing.tracer import Tracer


def trace(tracer: Tracer, consequences: Iterable[Consequence], now: datetime) -> None:
    """Tell of the requests that are over."""
    for consequence in consequences:
        match consequence.effect:
            case Answered(reply, cause, _) if reply.final:
                request = Envelope(
                    id=reply.request_id,
                    source=reply.request_source,
                    type=event_type(REQUESTS.type_name),
                    time=now,
                    traceparent=cause.traceparent if cause else None,
                )
                tracer.record(request, partial(replied, reply, now))


def count(metrics: Metrics, consequences: Iterable[Consequence], book: Book) -> None:
    """Count the consequences of a turn, and how many requests wait after it."""
    for consequence in consequences:
        match consequence.effect:
            case Answered(reply, _, late, waited):
                metrics.replies.labels(reply.status, reply.answered_by).inc()
                if late is not None:
                    metrics.deadline_lateness.observe(late)
                _observe(metrics, waited)
            case Released(_, _, waited):
                _observe(metrics, waited)
            case Superseded(stage):
                metrics.superseded.labels(stage).inc()
            case Refused(error):
                metrics.dead_letters.labels(STAGE, str(error.code)).inc()
    for state, number in (("open", book.open), ("held", book.held), ("settled", book.settled)):
        metrics.requests_known.labels(state).set(number)


def _observe(metrics: Metrics, waited: float | None) -> None:
    if waited is not None:
        metrics.review_seconds.labels("decision").observe(waited)
