"""Records to rows."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.dead_letter import Reason
from schemas.verdict import Judgement
from streams.store.columns import log_values, milliseconds, storable
from streams.store.rows import dead_entry, dead_letter_row, judged_entry, refused_entry, verdict_row
from tests.fixtures.store_rows import NOON, finding, message, side, verdict


def row(record):
    return verdict_row(record, log_values(message(record, offset=17, partition=2), "ids"))


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("", ""),
        ("nul \x00 stays", "nul \x00 stays"),
        ("emoji 😀 stays", "emoji 😀 stays"),
        ("\ud83d", "\ufffd"),
        ("a\udc00b\ud800", "a\ufffdb\ufffd"),
    ],
)
def test_lone_surrogates_are_replaced(text, stored):
    """What UTF-8 cannot hold becomes U+FFFD, one for one, so that offsets still fit."""
    assert storable(text) == stored
    assert len(storable(text)) == len(text)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1), 0),  # noqa: DTZ001 - a client may leave the zone out
        (datetime(2099, 5, 6, 7, 8, 9, 123456, tzinfo=UTC), 4081734489123),
        (datetime(1, 1, 1, tzinfo=UTC), -2208988800000),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), -2208988800000),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))), 10413791999999),
        (datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), -1),
    ],
)
def test_times_are_kept_within_what_the_store_holds(time, expected):
    """Any year that a client's clock may say becomes a time that the store can hold."""
    assert milliseconds(time) == expected


def test_languages_are_columns():
    """The language of each side is stored, empty where it cannot be told."""
    judgement = Judgement(action="allow", prompt=side(language="de"), context=(side(), side(language="fr")))
    stored = row(verdict(judgement=judgement))
    assert (stored["prompt_language"], stored["response_language"]) == ("de", "")
    assert stored["context_languages"] == ["", "fr"]


def test_scores_and_sides():
    """Hot scores are columns of their own, null where they do not apply; all of them are in the maps."""
    judgement = Judgement(
        action="redact",
        prompt=side("mail <EMAIL_ADDRESS>", action="redact", scores={"toxicity": 0.125, "injection": None}),
        context=(side(scores={"injection": 0.25}), side(scores={"injection": 0.75})),
    )
    values = row(verdict(judgement=judgement))
    assert values["prompt_toxicity"] == 0.125
    assert values["prompt_injection"] is None
    assert values["response_toxicity"] is None
    assert values["context_injection"] == 0.75
    assert values["prompt_scores"] == {"toxicity": 0.125}
    assert values["context_scores"] == [{"injection": 0.25}, {"injection": 0.75}]
    assert (values["prompt_action"], values["response_action"]) == ("redact", None)
    assert values["context_actions"] == ["allow", "allow"]
    assert values["prompt_text"] == "mail <EMAIL_ADDRESS>"


def test_findings_are_parallel_arrays():
    """Every finding has one entry in each of the arrays, with the side and the passage that it is of."""
    judgement = Judgement(
        action="redact",
        prompt=side(findings=(finding(), finding(kind="error", score=None, threshold=None, start=None, end=None))),
        context=(side(), side(findings=(finding(label="IBAN", origin="leak"),))),
    )
    values = row(verdict(judgement=judgement))
    assert values["findings.side"] == ["prompt", "prompt", "context"]
    assert values["findings.index"] == [0, 0, 1]
    assert values["findings.label"] == ["EMAIL_ADDRESS", "EMAIL_ADDRESS", "IBAN"]
    assert values["findings.score"] == [0.99, None, 0.99]
    assert values["findings.end"] == [9, None, 9]
    assert values["findings.origin"] == ["", "", "leak"]


def test_without_findings_the_arrays_are_empty():
    """An event without findings has every array, empty."""
    values = row(verdict())
    names = ("side", "index", "guard", "label", "kind", "score", "threshold", "action", "start", "end")
    assert [values[f"findings.{name}"] for name in names] == [[]] * len(names)


def test_absent_fields_are_empty():
    """What a verdict does not say is stored as empty, never as the word None."""
    values = row(verdict(user=None, model=None, code=None, field=None, policy=None, traceparent=None))
    assert [values[name] for name in ("user", "model", "code", "field", "policy_id", "traceparent")] == [""] * 6


def test_surrogates_are_replaced_in_every_column():
    """No column of a verdict's row holds what UTF-8 cannot."""
    bad = "x\ud800"
    judgement = Judgement(
        action="flag",
        prompt=side(bad, scores={bad: 0.5}, findings=(finding(guard=bad, label=bad),)),
        response=side(bad),
        context=(side(bad),),
    )
    values = row(verdict(judgement=judgement, code=bad, field=bad, traceparent=bad, versions={bad: bad}, run=bad))
    assert not [name for name, value in values.items() if "\\ud800" in repr(value)]


def test_source_and_log_positions_are_kept_apart():
    """A row says where the event stood and where its verdict stands."""
    values = row(verdict(offset=5))
    assert (values["source_topic"], values["source_topic_id"], values["source_offset"]) == (
        "weir.interactions",
        "inputs",
        5,
    )
    assert (values["log_topic"], values["log_topic_id"], values["log_partition"], values["log_offset"]) == (
        "weir.verdicts", "ids", 2, 17
    )  # fmt: skip


def test_ledger_entries():
    """A stored verdict ends its input as judged, a refused one as dead, with the verdict's own stage."""
    record = verdict(offset=5)
    log = log_values(message(record, offset=17), "ids")
    judged, dead = judged_entry(record, log), refused_entry(record, log)
    assert (judged["topic"], judged["offset"], judged["outcome"]) == ("weir.interactions", 5, "judged")
    assert judged["verdict_id"] == record.verdict_id
    assert (dead["stage"], dead["offset"], dead["outcome"], dead["verdict_id"].int) == ("observe", 5, "dead", 0)
    assert judged.keys() == dead.keys()


def test_dead_letters_hold_no_payload():
    """A dead letter's row is its reason, its size and its places; a long or odd header does no harm."""
    reason = Reason("weir.requests", 2**40, 7, "screen", "WRONG_TYPE", "x" * 5000 + "\ud800", None, 2)
    log = log_values(message(verdict(), topic="weir.requests.dlq"), "ids")
    values = dead_letter_row(reason, "req", 99, log)
    assert (values["size"], values["replays"], values["partition"], len(values["message"])) == (99, 2, -1, 1000)
    assert "value" not in values
    assert "key" not in values
    entry = dead_entry(reason, "req", log)
    assert (entry["topic"], entry["topic_id"], entry["offset"], entry["outcome"]) == ("weir.requests", "req", 7, "dead")
    assert entry["source_time"] == milliseconds(NOON + timedelta(seconds=4))
