"""Which table takes the messages of which topic, and as what rows. Pure.

A new topic in the store is a line in ``_SHELVES``, a function that makes an entry, and a migration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from schemas.alert import Alert
from schemas.codec import Message, decode
from schemas.dead_letter import read_reason
from schemas.errors import Code, UnreadableError
from schemas.feedback import Opinion
from schemas.label import Label
from schemas.monitoring import MonitorState
from schemas.notification import Notice
from schemas.reply import Reply, Settlement
from schemas.review import Review
from schemas.sampling import SamplingPlan
from schemas.topics import (
    ALERTS,
    DEAD_LETTERS,
    LABELS,
    MONITOR_STATE,
    NOTICES,
    OPINIONS,
    REPLIES,
    REVIEWS,
    SAMPLING,
    SETTLED,
    VERDICTS,
    Namespace,
    Topic,
)
from schemas.verdict import Verdict
from streams.erasure.erasures import Forgets
from streams.store.client import Values
from streams.store.columns import log_values
from streams.store.monitor_rows import alert_row, series_rows
from streams.store.rows import (
    collected_entry,
    dead_entry,
    dead_letter_row,
    judged_entry,
    notice_row,
    opinion_row,
    refused_entry,
    refused_opinion_entry,
    verdict_row,
)
from streams.store.served_rows import label_row, plan_row, reply_log_row, reply_row, review_row, settlement_rows

TopicIds = Mapping[str, str]
"""The ids of the topics that exist, by full name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one message comes to: rows, and what the shelf's notes say once they are stored, or if they are refused.

    ``waited`` is how many seconds a review waited for what a person says of it here.
    """

    message: Message
    rows: tuple[Values, ...] = field(repr=False)
    stored: Values | None = field(repr=False, default=None)
    refused: Values | None = field(repr=False, default=None)
    waited: float | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the messages of a topic go: the table, and the table of notes that is written last, if there is one.

    ``entry`` raises ``UnreadableError`` for what it cannot read; of what belongs to somebody forgotten it keeps notes
    alone. What a table of ``last_resort`` refuses is not made
    a dead letter: it is one.
    """

    table: str
    notes: str | None
    entry: Callable[[Message, TopicIds, Forgets], Entry]
    last_resort: bool = False


def shelves(namespace: Namespace) -> Mapping[str, Shelf]:
    """The shelf of every topic that the writer reads, by full name."""
    letters = dict.fromkeys(DEAD_LETTERS, Shelf("dead_letters", "ledger", _dead_letter, last_resort=True))
    return {namespace.of(topic): shelf for topic, shelf in {**_SHELVES, **letters}.items()}


def _verdict(message: Message, topic_ids: TopicIds, forgets: Forgets) -> Entry:
    verdict = decode(message, Verdict, VERDICTS.type_name).record
    log = _log(message, topic_ids)
    whose = verdict.app, verdict.user, verdict.conversation_id
    if verdict.code == Code.FORGOTTEN or forgets.covers(*whose, verdict.position.time):
        return Entry(message, (), judged_entry(verdict, log))
    return Entry(message, (verdict_row(verdict, log),), judged_entry(verdict, log), refused_entry(verdict, log))


def _notice(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    notice = decode(message, Notice, NOTICES.type_name).record
    return Entry(message, (notice_row(notice, _log(message, topic_ids)),))


def _opinion(message: Message, topic_ids: TopicIds, forgets: Forgets) -> Entry:
    opinion = decode(message, Opinion, OPINIONS.type_name).record
    log = _log(message, topic_ids)
    if forgets.covers(opinion.app, opinion.user, opinion.conversation, opinion.position.time):
        return Entry(message, (), collected_entry(opinion, log))
    notes = collected_entry(opinion, log), refused_opinion_entry(opinion, log)
    return Entry(message, (opinion_row(opinion, log),), *notes)


def _reply(message: Message, topic_ids: TopicIds, forgets: Forgets) -> Entry:
    event = decode(message, Reply, REPLIES.type_name)
    reply, reply_id, log = event.record, _uuid(event.envelope.id), _log(message, topic_ids)
    note = reply_log_row(reply, reply_id, log)
    asked_at = reply.position.time if reply.position else message.timestamp
    if forgets.covers(reply.app, None, reply.conversation, asked_at):
        return Entry(message, (), note)
    return Entry(message, (reply_row(reply, reply_id, log),), note, note)  # either way the request was replied to


def _settlement(message: Message, topic_ids: TopicIds, forgets: Forgets) -> Entry:
    if message.value is None:
        return Entry(message, ())  # settle forgets the request: the store keeps what became of it
    settlement = decode(message, Settlement, SETTLED.type_name).record
    rows = settlement_rows(settlement, _log(message, topic_ids))
    asked_at = settlement.positions[0].time if settlement.positions else message.timestamp
    if forgets.covers(settlement.app, None, settlement.conversation, asked_at):
        rows = tuple({**row, "conversation_id": "", "source": "", "source_event_id": ""} for row in rows)
    return Entry(message, rows)


def _review(message: Message, topic_ids: TopicIds, forgets: Forgets) -> Entry:
    review = decode(message, Review, REVIEWS.type_name).record
    if forgets.covers(review.app, review.user, review.conversation, review.opened_at):
        return Entry(message, ())
    return Entry(message, (review_row(review, _log(message, topic_ids)),))


def _label(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    label = decode(message, Label, LABELS.type_name).record
    waited = (label.labelled_at - label.opened_at).total_seconds() if label.answers else None
    return Entry(message, (label_row(label, _log(message, topic_ids)),), waited=waited)


def _plan(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    plan = decode(message, SamplingPlan, SAMPLING.type_name).record
    return Entry(message, (plan_row(plan, _log(message, topic_ids)),))


def _alert(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    alert = decode(message, Alert, ALERTS.type_name).record
    return Entry(message, (alert_row(alert, _log(message, topic_ids)),))


def _series(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    state = decode(message, MonitorState, MONITOR_STATE.type_name).record.series
    return Entry(message, series_rows(state, _log(message, topic_ids)) if state is not None else ())


def _dead_letter(message: Message, topic_ids: TopicIds, _forgets: Forgets) -> Entry:
    """A row from the headers alone: whatever the value holds, the dead letter is recorded."""
    reason = read_reason(message.headers)
    log = _log(message, topic_ids)
    origin = topic_ids.get(reason.topic)
    row = dead_letter_row(reason, origin or "", len(message.value or b""), log)
    # Without a position of ours in its headers it ended no input.
    return Entry(message, (row,), dead_entry(reason, origin, log) if origin else None)


def _log(message: Message, topic_ids: TopicIds) -> Values:
    return log_values(message, topic_ids[message.topic])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UnreadableError("should be a UUID", code=Code.INVALID_FIELD, field="id") from None


_SHELVES: Final[Mapping[Topic, Shelf]] = {
    VERDICTS: Shelf("verdicts", "ledger", _verdict),
    NOTICES: Shelf("notices", None, _notice),
    OPINIONS: Shelf("feedback", "ledger", _opinion),
    REPLIES: Shelf("replies", "reply_log", _reply),
    SETTLED: Shelf("settlements", None, _settlement),
    ALERTS: Shelf("alerts", None, _alert),
    MONITOR_STATE: Shelf("series_bins", None, _series),
    REVIEWS: Shelf("reviews", None, _review),
    LABELS: Shelf("labels", None, _label),
    SAMPLING: Shelf("sampling_plans", None, _plan),
}
