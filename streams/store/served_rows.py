"""Replies, settlements, reviews, labels and sampling plans to rows of the store's tables. Pure, as ``rows`` is."""

from typing import Final
from uuid import UUID

from schemas.label import Label
from schemas.reply import Reply, Settlement
from schemas.review import Review
from schemas.sampling import SamplingPlan
from schemas.work import Usage
from streams.store.client import Values
from streams.store.columns import (
    judgement_values,
    keeping_values,
    milliseconds,
    place_values,
    policy_values,
    source_values,
    storable,
)
from streams.store.rows import NO_ID

_MOST: Final = 2**63 - 1  # tokens, whatever an engine of somebody's own has counted


def reply_row(reply: Reply, reply_id: UUID, log: Values) -> Values:
    """A reply, without its text, as a row of ``replies``."""
    return {
        "reply_id": reply_id,
        "app": storable(reply.app),
        "stage": reply.answered_by,
        "action": str(reply.action),
        "status": reply.status,
        "final": reply.final,
        "code": storable(reply.code or ""),
        "source": storable(reply.request_source),
        "source_event_id": storable(reply.request_id),
        "conversation_id": storable(reply.conversation),
        "model": storable(reply.model or ""),
        **_usage_values(reply.usage),
        "finish_reason": storable(reply.finish_reason or ""),
        **policy_values(reply.policy),
        **keeping_values(reply.keep_days),
        "held_until": milliseconds(reply.held_until) if reply.held_until else None,
        **(source_values(reply.position) if reply.position else _nowhere(log)),
        **log,
    }


def reply_log_row(reply: Reply, reply_id: UUID, log: Values) -> Values:
    """Where a reply stands, as a row of ``reply_log``."""
    return {"reply_id": reply_id, "final": reply.final, **log}


def settlement_rows(settlement: Settlement, log: Values) -> tuple[Values, ...]:
    """A request's state as rows of ``settlements``, one for each of its positions; a cancellation may have none."""
    hold = settlement.hold
    state: Values = {
        "app": storable(settlement.app),
        "conversation_id": storable(settlement.conversation),
        "source": storable(settlement.request_source),
        "source_event_id": storable(settlement.request_id),
        "state": settlement.state,
        "deadline": milliseconds(settlement.deadline) if settlement.deadline else None,
        "review_id": hold.review_id if hold else NO_ID,
        "hold_side": hold.side if hold else "",
        "reply_id": settlement.reply_id or NO_ID,
        "status": settlement.status or "",
        "code": storable(settlement.code or ""),
        "settled_at": milliseconds(settlement.settled_at) if settlement.settled_at else None,
        "keep_names_days": settlement.keep_days or 0,
        **log,
    }
    return tuple({**place_values(position), **state} for position in settlement.positions)


def review_row(review: Review, log: Values) -> Values:
    """A review as a row of ``reviews``."""
    return {
        "review_id": review.review_id,
        "kind": review.kind,
        "verdict_id": review.verdict_id or NO_ID,
        "app": storable(review.app),
        "stage": review.stage,
        "side": review.side or "",
        "action": str(review.judgement.action),
        "user": storable(review.user or ""),
        "conversation_id": storable(review.conversation),
        "source": storable(review.source),
        "source_event_id": storable(review.source_event_id),
        "model": storable(review.model or ""),
        "opened_at": milliseconds(review.opened_at),
        "expires_at": milliseconds(review.expires_at) if review.expires_at else 0,
        "on_expiry": review.on_expiry or "",
        "stratum": storable(review.stratum or ""),
        "probability": review.probability or 0.0,
        "readings": review.readings,
        **policy_values(review.policy),
        **keeping_values(review.keep_days),
        **judgement_values(review.judgement),
        **log,
    }


def label_row(label: Label, log: Values) -> Values:
    """A label as a row of ``labels``."""
    return {
        "label_id": label.label_id,
        "review_id": label.review_id,
        "verdict_id": label.verdict_id,
        "app": storable(label.app),
        "reader": storable(label.by),
        "answers": label.answers,
        "note": storable(label.note or ""),
        "blind": label.blind,
        "skipped": label.skipped,
        "undone": label.undone,
        "opened_at": milliseconds(label.opened_at),
        "labelled_at": milliseconds(label.labelled_at),
        **keeping_values(label.keep_days),
        **log,
    }


def plan_row(plan: SamplingPlan, log: Values) -> Values:
    """A sampling plan as a row of ``sampling_plans``."""
    return {
        "policy_id": storable(plan.policy),
        "begins_at": milliseconds(plan.begins_at),
        "factor": plan.factor,
        "expected": plan.expected,
        "budget": plan.budget or 0,
        **log,
    }


def _usage_values(usage: Usage | None) -> Values:
    return {
        "prompt_tokens": min(usage.prompt_tokens, _MOST) if usage else None,
        "completion_tokens": min(usage.completion_tokens, _MOST) if usage else None,
    }


def _nowhere(log: Values) -> Values:
    return {
        "source_topic": "",
        "source_topic_id": "",
        "source_partition": -1,
        "source_offset": -1,
        "source_time": log["log_time"],
    }
