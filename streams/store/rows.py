"""Records to rows of the store's tables. Pure, and the same row for the same message every time.

A row is a mapping from column to value, in the types that the columns take. Times are milliseconds since 1970.
"""

from typing import Final
from uuid import UUID

from schemas.dead_letter import Reason
from schemas.feedback import Opinion
from schemas.notification import Notice
from schemas.serving import Provenance
from schemas.verdict import Judgement, Position, SideJudgement, Verdict
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

NO_ID: Final = UUID(int=0)
_MESSAGE_LENGTH: Final = 1000  # a reason is a sentence, whoever wrote the header


def verdict_row(verdict: Verdict, log: Values) -> Values:
    """A verdict as a row of ``verdicts``."""
    return {
        "verdict_id": verdict.verdict_id,
        "app": storable(verdict.app),
        "stage": verdict.stage,
        "run": storable(verdict.run),
        "action": str(verdict.judgement.action),
        "code": storable(verdict.code or ""),
        "field": storable(verdict.field or ""),
        "conversation_id": storable(verdict.conversation_id),
        "user": storable(verdict.user or ""),
        "model": storable(verdict.model or ""),
        **_provenance(verdict.provenance),
        "source": storable(verdict.source),
        "source_event_id": storable(verdict.source_event_id),
        "event_time": milliseconds(verdict.event_time),
        "judged_at": milliseconds(verdict.judged_at),
        **source_values(verdict.position),
        **policy_values(verdict.policy),
        **keeping_values(verdict.keep_days),
        "versions": {storable(name): storable(version) for name, version in verdict.versions.items()},
        "review_stratum": storable(verdict.review_stratum or ""),
        "review_rate": verdict.review_rate,
        "review_probability": verdict.review_probability,
        "review_sampled": verdict.review_sampled,
        "guard_seconds": verdict.guard_seconds,
        "traceparent": storable(verdict.traceparent or ""),
        **judgement_values(verdict.judgement),
        **_hot_scores(verdict.judgement),
        **_languages(verdict.judgement),
        **_topics(verdict.judgement),
        **log,
    }


def opinion_row(opinion: Opinion, log: Values) -> Values:
    """Feedback as a row of ``feedback``."""
    comment = opinion.comment
    return {
        "feedback_id": opinion.feedback_id,
        "app": storable(opinion.app),
        "user": storable(opinion.user or ""),
        "conversation_id": storable(opinion.conversation),
        "source": storable(opinion.source),
        "source_event_id": storable(opinion.source_event_id),
        "about": opinion.about,
        "about_source": storable(opinion.about_source),
        "about_id": storable(opinion.about_id),
        "thumb": opinion.thumb or "",
        "rating": opinion.rating,
        "reason": opinion.reason or "",
        "sentiment": opinion.sentiment or "",
        "comment": storable(comment.text) if comment else "",
        "comment_action": str(comment.action) if comment else None,
        "comment_scores": {storable(n): s for n, s in comment.scores.items() if s is not None} if comment else {},
        "comment_language": _language(comment),
        "event_time": milliseconds(opinion.event_time),
        **source_values(opinion.position),
        **policy_values(opinion.policy),
        **keeping_values(opinion.keep_days),
        "traceparent": storable(opinion.traceparent or ""),
        **log,
    }


def notice_row(notice: Notice, log: Values) -> Values:
    """Who was told of an alert, as a row of ``notices``."""
    return {
        "notification_id": notice.notification_id,
        "target": notice.target,
        "fingerprint": notice.fingerprint,
        "state": notice.state,
        "since": milliseconds(notice.since),
        "severity": notice.severity,
        "outcome": notice.outcome,
        "why": notice.why,
        "told_at": milliseconds(notice.at),
        "attempts": notice.attempts,
        "reason": storable(notice.reason or ""),
        **log,
    }


def dead_letter_row(reason: Reason, topic_id: str, size: int, log: Values) -> Values:
    """A dead letter as a row of ``dead_letters``; ``topic_id`` is that of the topic it came from, if known."""
    return {
        "topic": storable(reason.topic),
        "topic_id": topic_id,
        "partition": _partition(reason),
        "offset": reason.offset,
        "stage": storable(reason.stage),
        "code": storable(reason.code),
        "field": storable(reason.field or ""),
        "message": storable(reason.message)[:_MESSAGE_LENGTH],
        "replays": reason.replays,
        "size": size,
        **log,
    }


def judged_entry(verdict: Verdict, log: Values) -> Values:
    """The ledger's row for the input of a stored verdict."""
    return _entry(verdict.position, verdict.stage, "judged", verdict.verdict_id, log)


def refused_entry(verdict: Verdict, log: Values) -> Values:
    """The ledger's row for the input of a verdict that the store refuses: it became a dead letter of the writer."""
    return _entry(verdict.position, verdict.stage, "dead", NO_ID, log)


def dead_entry(reason: Reason, topic_id: str, log: Values) -> Values:
    """The ledger's row for the input that a dead letter stands for."""
    return {
        "topic": storable(reason.topic),
        "topic_id": topic_id,
        "partition": _partition(reason),
        "offset": reason.offset,
        "source_time": log["log_time"],
        "stage": storable(reason.stage),
        "outcome": "dead",
        "verdict_id": NO_ID,
        **log,
    }


def collected_entry(opinion: Opinion, log: Values) -> Values:
    """The ledger's row for the input of stored feedback. It has no verdict: its own id stands there."""
    return _entry(opinion.position, "collect", "judged", opinion.feedback_id, log)


def refused_opinion_entry(opinion: Opinion, log: Values) -> Values:
    """The ledger's row for the input of feedback that the store refuses."""
    return _entry(opinion.position, "collect", "dead", NO_ID, log)


def _entry(position: Position, stage: str, outcome: str, verdict_id: UUID, log: Values) -> Values:
    return {
        **place_values(position),
        "stage": stage,
        "outcome": outcome,
        "verdict_id": verdict_id,
        **log,
    }


def _partition(reason: Reason) -> int:
    return reason.partition if reason.partition < 2**31 else -1  # whoever wrote the header


def _hot_scores(judgement: Judgement) -> Values:
    injections = [score for p in judgement.context or () if (score := p.scores.get("injection")) is not None]
    return {
        "prompt_toxicity": _score(judgement.prompt, "toxicity"),
        "prompt_injection": _score(judgement.prompt, "injection"),
        "response_toxicity": _score(judgement.response, "toxicity"),
        "response_relevance": _score(judgement.response, "relevance"),
        "response_groundedness": _score(judgement.response, "groundedness"),
        "context_injection": max(injections, default=None),
    }


def _provenance(found: Provenance | None) -> Values:
    return {
        "model_version": storable(found.version) if found else "",
        "engine": storable(found.engine) if found else "",
        "wanted_model": storable(found.wanted or "") if found else "",
        "arm": storable(found.arm or "") if found else "",
    }


def _languages(judgement: Judgement) -> Values:
    return {
        "prompt_language": _language(judgement.prompt),
        "response_language": _language(judgement.response),
        "context_languages": [_language(passage) for passage in judgement.context or ()],
    }


def _topics(judgement: Judgement) -> Values:
    prompt, response = judgement.prompt, judgement.response
    return {
        "prompt_topic": storable(prompt.topic or "") if prompt else "",
        "prompt_novelty": prompt.novelty if prompt else None,
        "response_topic": storable(response.topic or "") if response else "",
        "response_novelty": response.novelty if response else None,
    }


def _language(side: SideJudgement | None) -> str:
    return storable(side.language) if side and side.language else ""


def _score(side: SideJudgement | None, name: str) -> float | None:
    return side.scores.get(name) if side else None
