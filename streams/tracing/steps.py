"""The spans of a request: what each stage tells of what it did. No span holds any text of a user."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from models.generation.generator import Answer
from schemas.reply import Reply
from schemas.verdict import SideJudgement, Verdict
from schemas.work import Completion
from streams.tracing import names
from streams.tracing.span import Attributes, Note, Span


def judged(verdict: Verdict, start: datetime, topic: str) -> Span:
    """A stage that judged an event, from the event's arrival on the broker."""
    judgement, policy = verdict.judgement, verdict.policy
    worst = max(judgement.findings(), key=lambda found: (found.action.severity, found.score or 0.0), default=None)
    return Span(
        name=f"guard {verdict.stage}",
        kind="consumer",
        start=start,
        end=verdict.judged_at,
        attributes={
            names.SYSTEM: names.KAFKA,
            names.DESTINATION: topic,
            names.APP: verdict.app,
            names.CONVERSATION: verdict.conversation_id,
            names.GUARD_COMPONENT: f"{names.WEIR}.{verdict.stage}",
            names.GUARD_POLICY: policy.id if policy else None,
            names.GUARD_POLICY_VERSION: str(policy.version) if policy else None,
            names.GUARD_RESULT: str(judgement.action),
            names.GUARD_RISK: worst.guard if worst else None,
            names.GUARD_RISK_SCORE: worst.score if worst else None,
            names.GUARD_SECONDS: verdict.guard_seconds,
        },
        notes=tuple(_evaluations(judgement.prompt, "prompt")) + tuple(_evaluations(judgement.response, "response")),
        error=verdict.code,
        root=verdict.stage == "observe",  # nothing comes before it, or after
    )


def _evaluations(side: SideJudgement | None, name: str) -> Iterator[Note]:
    """Each score of a side."""
    for label, score in (side.scores if side else {}).items():
        if score is not None:
            told: Attributes = {
                names.EVALUATION_NAME: label,
                names.EVALUATION_SCORE: score,
                names.EVALUATION_LABEL: name,
            }
            yield Note(names.EVALUATION, told)


def answered(completion: Completion, answer: Answer, arrived: datetime, now: datetime) -> Span:
    """What a model did for some work, without the time that the work waited for it."""
    start = max(arrived, now - timedelta(seconds=completion.seconds))
    made, request = completion.provenance, completion.work.request
    wanted = (made.wanted if made else None) or request.model or completion.model
    return Span(
        name=f"{names.CHAT} {completion.model or names.WEIR}",
        kind="client",
        start=start,
        end=now,
        attributes={
            names.OPERATION: names.CHAT,
            names.PROVIDER: made.engine if made else None,
            names.CONVERSATION: completion.work.conversation,
            names.APP: request.app,
            names.ARM: made.arm if made else None,
            names.SHADOW: completion.work.plan.shadow if completion.work.plan else None,
            names.REQUEST_MODEL: wanted,
            names.REQUEST_MAX_TOKENS: made.max_tokens if made else None,
            names.REQUEST_TEMPERATURE: made.temperature if made else None,
            names.REQUEST_TOP_P: made.top_p if made else None,
            names.REQUEST_SEED: str(made.seed) if made else None,
            names.RESPONSE_MODEL: made.version if made else completion.model,
            names.RESPONSE_FINISH_REASONS: [completion.finish_reason] if completion.finish_reason else None,
            names.INPUT_TOKENS: answer.prompt_tokens,
            names.OUTPUT_TOKENS: answer.completion_tokens,
            names.QUEUE_SECONDS: max(0.0, (start - arrived).total_seconds()),
            names.ERROR: completion.code,
        },
        error=completion.code,
    )


def replied(reply: Reply, now: datetime) -> Span:
    """All of a request, from its arrival to its final reply."""
    return Span(
        name="weir request",
        kind="server",
        start=reply.position.time if reply.position else now,
        end=now,
        attributes={
            names.SYSTEM: names.KAFKA,
            names.APP: reply.app,
            names.CONVERSATION: reply.conversation,
            names.RESPONSE_ID: reply.request_id,
            names.RESPONSE_MODEL: reply.model,
            names.STATUS: reply.status,
            names.ANSWERED_BY: reply.answered_by,
            names.INPUT_TOKENS: reply.usage.prompt_tokens if reply.usage else None,
            names.OUTPUT_TOKENS: reply.usage.completion_tokens if reply.usage else None,
            names.ERROR: reply.code,
        },
        error=reply.code if reply.status == "error" else None,
        root=True,
    )
