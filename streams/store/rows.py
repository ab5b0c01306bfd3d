"""Records to rows of the store's tables. Pure, and the same row for the same message every time.

A row is a mapping from column to value, in the types that the columns take. Times are milliseconds since 1970.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from schemas.codec import Message
from schemas.dead_letter import Reason
from schemas.verdict import Finding, Judgement, Position, SideJudgement, Verdict
from streams.store.client import Values

NO_VERDICT: Final = UUID(int=0)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)  # what DateTime64 can hold
_LATEST: Final = datetime(2299, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_MESSAGE_LENGTH: Final = 1000  # a reason is a sentence, whoever wrote the header
_FINDING_COLUMNS: Final = (
    "side", "index", "guard", "label", "kind", "score", "threshold", "action", "start", "end"
)  # fmt: skip


def storable(text: str) -> str:
    """The text with every lone surrogate, which UTF-8 cannot hold, as U+FFFD: as many code points as before."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_REPLACEMENT, text)
    return text


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970, kept within what the store can hold: a client's clock may say anything."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    # Comparison works where a conversion to UTC would leave Python's own years.
    time = min(max(time, _EARLIEST), _LATEST)
    return (time - _EPOCH) // (_EPOCH.resolution * 1000)


def log_values(message: Message, topic_id: str) -> Values:
    """Where the message itself stands: the columns that every table has."""
    return {
        "log_topic": message.topic,
        "log_topic_id": topic_id,
        "log_partition": message.partition,
        "log_offset": message.offset,
        "log_time": milliseconds(message.timestamp),
    }


def verdict_row(verdict: Verdict, log: Values) -> Values:
    """A verdict as a row of ``verdicts``."""
    policy = verdict.policy
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
        "source": storable(verdict.source),
        "source_event_id": storable(verdict.source_event_id),
        "event_time": milliseconds(verdict.event_time),
        "judged_at": milliseconds(verdict.judged_at),
        **_source_values(verdict.position),
        "policy_id": storable(policy.id) if policy else "",
        "policy_version": policy.version if policy else 0,
        "policy_hash": storable(policy.hash) if policy else "",
        "versions": {storable(name): storable(version) for name, version in verdict.versions.items()},
        "review_probability": verdict.review_probability,
        "review_sampled": verdict.review_sampled,
        "guard_seconds": verdict.guard_seconds,
        "traceparent": storable(verdict.traceparent or ""),
        **_side_values(verdict.judgement),
        **_hot_scores(verdict.judgement),
        **_finding_values(verdict.judgement),
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
    return _entry(verdict.position, verdict.stage, "dead", NO_VERDICT, log)


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
        "verdict_id": NO_VERDICT,
        **log,
    }


def _entry(position: Position, stage: str, outcome: str, verdict_id: UUID, log: Values) -> Values:
    return {
        "topic": storable(position.topic),
        "topic_id": storable(position.topic_id),
        "partition": position.partition,
        "offset": position.offset,
        "source_time": milliseconds(position.time),
        "stage": stage,
        "outcome": outcome,
        "verdict_id": verdict_id,
        **log,
    }


def _partition(reason: Reason) -> int:
    return reason.partition if reason.partition < 2**31 else -1  # whoever wrote the header


def _source_values(position: Position) -> Values:
    return {
        "source_topic": storable(position.topic),
        "source_topic_id": storable(position.topic_id),
        "source_partition": position.partition,
        "source_offset": position.offset,
        "source_time": milliseconds(position.time),
    }


def _side_values(judgement: Judgement) -> Values:
    context = judgement.context or ()
    return {
        "prompt_action": _action(judgement.prompt),
        "response_action": _action(judgement.response),
        "context_actions": [str(passage.action) for passage in context],
        "prompt_text": _text(judgement.prompt),
        "response_text": _text(judgement.response),
        "context_texts": [_text(passage) for passage in context],
        "prompt_scores": _scores(judgement.prompt),
        "response_scores": _scores(judgement.response),
        "context_scores": [_scores(passage) for passage in context],
    }


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


def _finding_values(judgement: Judgement) -> Values:
    rows = [
        *_side_findings("prompt", 0, judgement.prompt),
        *_side_findings("response", 0, judgement.response),
        *(
            row
            for index, passage in enumerate(judgement.context or ())
            for row in _side_findings("context", index, passage)
        ),
    ]
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(_FINDING_COLUMNS)
    return {f"findings.{name}": list(values) for name, values in zip(_FINDING_COLUMNS, columns, strict=True)}


def _side_findings(side: str, index: int, judged: SideJudgement | None) -> list[tuple[object, ...]]:
    """The findings of one side, each in the order of ``_FINDING_COLUMNS``."""

    def values(finding: Finding) -> tuple[object, ...]:
        name, label = storable(finding.guard), storable(finding.label)
        past = (finding.kind, finding.score, finding.threshold, str(finding.action))
        return (side, index, name, label, *past, finding.start, finding.end)

    return [values(finding) for finding in judged.findings] if judged else []


def _action(side: SideJudgement | None) -> str | None:
    return str(side.action) if side else None


def _text(side: SideJudgement | None) -> str:
    return storable(side.text) if side else ""


def _scores(side: SideJudgement | None) -> Mapping[str, float]:
    known = side.scores.items() if side else ()
    return {storable(name): score for name, score in known if score is not None}


def _score(side: SideJudgement | None, name: str) -> float | None:
    return side.scores.get(name) if side else None
