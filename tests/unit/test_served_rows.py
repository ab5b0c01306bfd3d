"""Replies, settlements and reviews to rows."""

from datetime import timedelta

from schemas.verdict import Judgement
from schemas.work import Usage
from streams.store.columns import log_values, milliseconds
from streams.store.rows import NO_ID
from streams.store.served_rows import reply_log_row, reply_row, review_row, settlement_rows
from tests.fixtures.served_rows import (
    at,
    final_id,
    held_reply,
    hold,
    message,
    reply,
    review,
    review_id,
    settlement,
)
from tests.fixtures.store_rows import NOON, finding, side

CANARY = "canary-4711"


def log(record, offset=17):
    return log_values(message(record, offset, partition=2), "ids")


def row(record):
    return reply_row(record, final_id(), log(record))


def test_a_reply_is_stored_without_its_text():
    """The row says what was answered about which request, by whom and with what model, and not in which words."""
    values = row(reply(position=at(5)))
    assert (values["app"], values["stage"], values["status"], values["final"]) == ("shop", "judge", "delivered", True)
    assert (values["source"], values["source_event_id"], values["source_offset"]) == ("test", "e1", 5)
    assert (values["model"], values["prompt_tokens"], values["completion_tokens"]) == ("small", 12, 30)
    assert (values["policy_id"], values["policy_version"], values["finish_reason"]) == ("default", 3, "stop")
    assert (values["log_topic"], values["log_partition"], values["log_offset"]) == ("weir.replies", 2, 17)
    assert CANARY not in repr(values)


def test_a_held_reply_is_not_final():
    """A reply about a hold says until when, and that another one follows."""
    values = row(held_reply())
    assert (values["status"], values["final"], values["model"]) == ("held", False, "")
    assert values["held_until"] == milliseconds(NOON + timedelta(hours=1))
    assert values["prompt_tokens"] is None


def test_a_reply_without_a_position_stands_nowhere():
    """What is not known of the request is empty; its time is the reply's, which says nothing of a latency."""
    record = reply().model_copy(update={"position": None})
    values = row(record)
    assert (values["source_topic"], values["source_partition"], values["source_offset"]) == ("", -1, -1)
    assert values["source_time"] == log(record)["log_time"]


def test_any_number_of_tokens_is_kept_within_what_the_store_holds():
    """What a gateway says to have counted costs nobody the row."""
    usage = Usage(prompt_tokens=2**80, completion_tokens=0)
    assert (row(reply(usage=usage))["prompt_tokens"], row(reply(usage=usage))["completion_tokens"]) == (2**63 - 1, 0)


def test_the_log_of_replies_names_every_message():
    """Beside the place, the log has the id and whether the reply is final."""
    values = reply_log_row(reply(), final_id(), log(reply()))
    assert (values["reply_id"], values["final"], values["log_offset"]) == (final_id(), True, 17)


def test_a_settlement_has_a_row_for_every_position():
    """A request and its repeats are in the same state, each at its own place."""
    record = settlement("e1", at(3), at(9, partition=1))
    rows = settlement_rows(record, log(record))
    assert [(each["topic"], each["partition"], each["offset"]) for each in rows] == [
        ("weir.requests", 0, 3),
        ("weir.requests", 1, 9),
    ]
    assert {(each["state"], each["reply_id"], each["status"], each["source_event_id"]) for each in rows} == {
        ("settled", final_id(), "delivered", "e1")
    }
    assert {each["review_id"] for each in rows} == {NO_ID}


def test_a_held_settlement_names_its_review():
    """The review and the side tell what the request waits for."""
    record = settlement(state="held", hold=hold())
    (values,) = settlement_rows(record, log(record))
    assert (values["state"], values["review_id"], values["hold_side"]) == ("held", review_id(), "prompt")
    assert (values["reply_id"], values["status"], values["settled_at"]) == (NO_ID, "", None)


def test_a_cancellation_of_nothing_yet_has_no_row():
    """There is no offset of a request to speak of."""
    record = settlement(state="cancelled").model_copy(update={"positions": ()})
    assert settlement_rows(record, log(record)) == ()


def test_a_review_has_what_a_person_reads():
    """Masked texts and findings are there as they are of a verdict."""
    values = review_row(review(), log(review()))
    assert (values["review_id"], values["stage"], values["side"], values["on_expiry"]) == (
        review_id(), "screen", "prompt", "refuse"
    )  # fmt: skip
    assert (values["prompt_text"], values["prompt_action"], values["response_action"]) == (
        "<EMAIL_ADDRESS>", "hold", None
    )  # fmt: skip
    assert (values["findings.label"], values["user"], values["action"]) == (["EMAIL_ADDRESS"], "u1", "hold")


def test_surrogates_are_replaced_in_every_column():
    """No column of these rows holds what UTF-8 cannot."""
    bad = "x\ud800"
    judgement = Judgement(action="hold", prompt=side(bad, findings=(finding(guard=bad, label=bad),)))
    spoilt = {"app": bad, "conversation": bad}
    answer = reply().model_copy(
        update={**spoilt, "code": bad, "model": bad, "finish_reason": bad, "request_id": bad, "request_source": bad}
    )
    state = settlement().model_copy(update={**spoilt, "code": bad, "request_id": bad, "request_source": bad})
    waiting = review(judgement=judgement).model_copy(
        update={**spoilt, "user": bad, "source": bad, "source_event_id": bad}
    )
    rows = [
        reply_row(answer, final_id(), log(reply())),
        *settlement_rows(state, log(settlement())),
        review_row(waiting, log(review())),
    ]
    assert not [name for values in rows for name, value in values.items() if "\\ud800" in repr(value)]
