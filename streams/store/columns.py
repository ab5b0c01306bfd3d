"""Values of columns that several tables have, in the types that the columns take. Pure.

Times are milliseconds since 1970.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.codec import Message
from schemas.verdict import Finding, Judgement, PolicyReference, Position, SideJudgement
from streams.store.client import Values

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)  # what DateTime64 can hold
_LATEST: Final = datetime(2299, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_FINDING_COLUMNS: Final = (
    "side", "index", "guard", "label", "kind", "score", "threshold", "action", "start", "end", "origin"
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


def place_values(position: Position) -> Values:
    """Where an event stands, in the tables that have nothing else of it."""
    return {
        "topic": storable(position.topic),
        "topic_id": storable(position.topic_id),
        "partition": position.partition,
        "offset": position.offset,
        "source_time": milliseconds(position.time),
    }


def source_values(position: Position) -> Values:
    """Where the event stands that a row is about."""
    return {
        "source_topic": storable(position.topic),
        "source_topic_id": storable(position.topic_id),
        "source_partition": position.partition,
        "source_offset": position.offset,
        "source_time": milliseconds(position.time),
    }


def policy_values(policy: PolicyReference | None) -> Values:
    """Which policy judged, or nothing."""
    return {
        "policy_id": storable(policy.id) if policy else "",
        "policy_version": policy.version if policy else 0,
        "policy_hash": storable(policy.hash) if policy else "",
    }


def keeping_values(days: int | None) -> Values:
    """For how long the row is kept; 0: as long as its table keeps any."""
    return {"keep_days": days or 0}


def judgement_values(judgement: Judgement) -> Values:
    """Every side with its action, masked text and scores, and the findings as parallel arrays."""
    return {**_side_values(judgement), **_finding_values(judgement)}


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
        return (side, index, name, label, *past, finding.start, finding.end, finding.origin or "")

    return [values(finding) for finding in judged.findings] if judged else []


def _action(side: SideJudgement | None) -> str | None:
    return str(side.action) if side else None


def _text(side: SideJudgement | None) -> str:
    return storable(side.text) if side else ""


def _scores(side: SideJudgement | None) -> Mapping[str, float]:
    known = side.scores.items() if side else ()
    return {storable(name): score for name, score in known if score is not None}
