"""The span of a streamed answer: from its first draft on the broker to its last chunk. It holds no text."""

from datetime import datetime

from schemas.work import Completion
from streams.streaming.attempt import Attempt
from streams.tracing import names
from streams.tracing.span import Span


def streamed(attempt: Attempt, completion: Completion, now: datetime, topic: str) -> Span:
    """What was released of an attempt that has come to its end, and how soon the first of it."""
    policy = attempt.terms.policy if attempt.terms else None
    first = (attempt.first - attempt.since).total_seconds() if attempt.first else None
    return Span(
        name="guard stream",
        kind="consumer",
        start=attempt.since,
        end=now,
        attributes={
            names.SYSTEM: names.KAFKA,
            names.DESTINATION: topic,
            names.APP: attempt.work.request.app,
            names.CONVERSATION: attempt.work.conversation,
            names.GUARD_COMPONENT: f"{names.WEIR}.stream",
            names.GUARD_POLICY: policy.id if policy else None,
            names.GUARD_POLICY_VERSION: str(policy.version) if policy else None,
            names.GUARD_RESULT: str(attempt.progress.action),
            names.STREAM_ATTEMPT: str(attempt.attempt),
            names.STREAM_DRAFTS: attempt.drafts,
            names.STREAM_CHUNKS: attempt.chunks,
            names.STREAM_END: attempt.cut or completion.finish_reason,
            names.STREAM_FIRST_SECONDS: first,
            names.ERROR: completion.code,
        },
        error=completion.code,
    )
