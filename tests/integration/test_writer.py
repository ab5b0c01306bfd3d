"""The writer between a real broker and the real engine."""

import random
import signal
import time

import pytest
from confluent_kafka import TopicPartition

from schemas.codec import Message, Outgoing
from schemas.dead_letter import reason_headers
from schemas.errors import Code, IntegrityError, UnreadableError
from schemas.topics import INTERACTIONS, REQUESTS, VERDICTS
from schemas.verdict import Judgement
from streams.dead_letters.letters import Filters, list_dead_letters
from streams.kafka.admin import KafkaAdmin
from streams.kafka.topic_admin import create_topics, lag
from streams.store.client import Store
from streams.store.positions import accept_topic
from tests.fixtures.flaky import Flaky
from tests.fixtures.store_rows import NOON, side, verdict
from tests.fixtures.store_side import count, publish, send, writer_process, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]
CANARY = "canary-4711"


def verdicts(first, past):
    return [verdict(f"e{offset}", offset) for offset in range(first, past)]


def stored_lag(settings):
    return sum(each.behind for each in lag(settings) if each.group.endswith(".store"))


def check_exactly(store, total):
    """Every one of so many events is in the views, once."""
    (row,) = store.select("SELECT count() AS rows, uniqExact(source_offset) AS offsets FROM v_verdicts")
    assert (row["rows"], row["offsets"]) == (total, total)
    (row,) = store.select("SELECT count() AS rows, uniqExact(offset) AS offsets FROM v_ledger WHERE outcome = 'judged'")
    assert (row["rows"], row["offsets"]) == (total, total)


def test_verdicts_and_dead_letters_are_stored(settings, store):
    """What stands in the topics is in the views, with positions, and is committed when the writer leaves."""
    publish(settings, verdicts(0, 20))
    lost = Message(settings.topics.of(INTERACTIONS), 0, 20, NOON, b"k", CANARY.encode(), [])
    headers = reason_headers(lost, "observe", UnreadableError("not JSON", code=Code.MALFORMED_JSON, field="value"))
    send(settings, f"{lost.topic}.dlq", [Outgoing(lost.key, CANARY.encode(), headers)])
    with writing(settings) as writer:
        eventually(lambda: count(store, "v_verdicts") == 20 and count(store, "v_dead_letters") == 1)
        assert writer.is_ready()
        assert writer.is_alive()
    check_exactly(store, 20)
    (letter,) = store.select("SELECT * FROM v_dead_letters")
    assert (letter["topic"], letter["offset"], letter["code"]) == (lost.topic, 20, "MALFORMED_JSON")
    assert (letter["size"], letter["field"]) == (len(CANARY), "value")
    assert CANARY not in repr(letter)
    (entry,) = store.select("SELECT * FROM v_ledger WHERE outcome = 'dead'")
    with KafkaAdmin(settings) as admin:
        assert entry["topic_id"] == admin.describe([lost.topic])[lost.topic].topic_id
    assert stored_lag(settings) == 0


def test_a_full_batch_waits_for_nothing_else_when_told_to_stop(settings, store):
    """Told to stop, the writer stores and commits what it has read, however long its batches may wait."""
    with writing(settings, seconds=600.0) as writer:
        publish(settings, verdicts(0, 30))
        eventually(lambda: len(writer._buffer) == 30)
        assert count(store, "v_verdicts") == 0
    check_exactly(store, 30)
    assert stored_lag(settings) == 0


def test_reading_everything_again_changes_nothing(settings, store):
    """Without committed offsets and without a ledger, all is read again, and no view differs."""
    publish(settings, verdicts(0, 40))
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 40)
    with KafkaAdmin(settings) as admin:
        admin._ask("delete_groups", [f"{settings.namespace}.store"])
    before = store.select("SELECT * FROM v_verdicts ORDER BY verdict_id")
    store.command("TRUNCATE TABLE ledger")
    with writing(settings, rows=7):
        eventually(lambda: count(store, "v_ledger") == 40)
    assert count(store, "verdicts") > 40
    check_exactly(store, 40)
    assert store.select("SELECT * FROM v_verdicts ORDER BY verdict_id") == before


def test_stored_rows_tell_where_to_go_on(settings, store):
    """Without committed offsets the ledger says where to go on: nothing is stored again."""
    publish(settings, verdicts(0, 40))
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 40)
    with KafkaAdmin(settings) as admin:
        admin._ask("delete_groups", [f"{settings.namespace}.store"])
    publish(settings, verdicts(40, 45))
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 45)
    assert count(store, "verdicts") == 45


def test_failures_between_the_inserts_lose_and_double_nothing(settings, store, monkeypatch):
    """Whichever insert fails, before or after it took effect, every event is in the views once."""
    monkeypatch.setattr("streams.store.writer._LONGEST_WAIT_SECONDS", 0.2)
    publish(settings, verdicts(0, 300))
    flaky = Flaky(Store.of(settings), seed=7)
    with writing(settings, flaky, rows=40):
        eventually(lambda: count(store, "v_ledger") == 300)
    assert flaky.failures > 3
    check_exactly(store, 300)


def test_killed_processes_lose_and_double_nothing(settings, store):
    """kill -9 in the middle of the work, again and again: every event is in the views once."""
    choose = random.Random(11)
    for round_number in range(2):
        publish(settings, verdicts(round_number * 400, (round_number + 1) * 400))
        with writer_process(settings) as process:
            before = count(store, "v_ledger")
            eventually(lambda seen=before: count(store, "v_ledger") > seen)
            time.sleep(choose.random() / 5)
            process.send_signal(signal.SIGKILL)
    with writer_process(settings) as process:
        eventually(lambda: count(store, "v_ledger") == 800)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    check_exactly(store, 800)
    assert stored_lag(settings) == 0


def test_writers_come_and_go(settings, store):
    """Partitions change hands while events arrive; nothing is lost or stored twice in the views."""
    with writing(settings):
        publish(settings, verdicts(0, 300))
        for first in (300, 500):
            with writing(settings):
                publish(settings, verdicts(first, first + 200))
                time.sleep(1)
        eventually(lambda: count(store, "v_ledger") == 700)
    check_exactly(store, 700)


def test_a_store_that_is_down_is_waited_for(settings, store, switch, monkeypatch):
    """While the store is down nothing is read, nothing is lost and the writer says so; then it goes on."""
    monkeypatch.setattr("streams.store.writer._LONGEST_WAIT_SECONDS", 1.0)
    settings = settings.model_copy(update={"clickhouse_url": switch.url})
    publish(settings, verdicts(0, 50))
    with writing(settings, rows=200) as writer:
        eventually(lambda: count(store, "v_ledger") == 50)
        switch.off()
        publish(settings, verdicts(50, 3000))
        eventually(lambda: not writer.is_ready())
        time.sleep(1)
        held = len(writer._buffer) + sum(len(batch.messages) for batch in writer._pending)
        assert held < 1500
        assert writer.is_alive()
        assert writer._metrics.store_paused._value.get() == 1
        assert count(store, "v_ledger") == 50
        switch.on = True
        eventually(lambda: count(store, "v_ledger") == 3000)
        eventually(writer.is_ready)
    check_exactly(store, 3000)


def test_a_store_that_is_down_from_the_start_is_waited_for(settings, store, switch):
    """The writer starts without the store, and may be told to stop meanwhile."""
    settings = settings.model_copy(update={"clickhouse_url": switch.url})
    switch.off()
    publish(settings, verdicts(0, 5))
    with writing(settings) as writer:
        eventually(lambda: writer._waiting)
    with writing(settings) as writer:
        eventually(lambda: writer._waiting)
        switch.on = True
        eventually(lambda: count(store, "v_ledger") == 5)


def test_poison_is_isolated(settings, store):
    """A row that the store refuses and a message that is no verdict become dead letters; all others are stored."""
    store.command("ALTER TABLE verdicts ADD CONSTRAINT picky CHECK model != 'poison'")
    records = verdicts(0, 30)
    records[11] = verdict("e11", 11, model="poison")
    publish(settings, records)
    send(settings, settings.topics.of(VERDICTS), [Outgoing(b"c1", CANARY.encode(), [])])
    with writing(settings):
        eventually(lambda: count(store, "v_dead_letters") == 2)
        eventually(lambda: stored_lag(settings) == 0)
    letters = list(list_dead_letters(settings, Filters(topic="verdicts")))
    assert sorted(letter.reason.code for letter in letters) == ["MALFORMED_JSON", "POISON_ROW"]
    assert {letter.reason.stage for letter in letters} == {"store"}
    assert count(store, "v_verdicts") == 29
    (row,) = store.select("SELECT offset, stage, verdict_id FROM v_ledger WHERE outcome = 'dead' AND stage = 'observe'")
    assert row["offset"] == 11


def test_a_topic_created_anew_stops_the_writer(settings, store, admin):
    """Offsets that begin again are never taken for those stored: the writer ends and names the topic."""
    topic = settings.topics.of(VERDICTS)
    publish(settings, verdicts(0, 10))
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 10)
    _create_anew(settings, admin, topic)
    publish(settings, verdicts(100, 105))
    with pytest.raises(IntegrityError, match="created anew") as caught, writing(settings) as writer:
        eventually(lambda: writer._feed.topic_ids and writer._feed._consumer is None)
    assert caught.value.field == topic
    assert count(store, "v_ledger") == 10
    with KafkaAdmin(settings) as ours:
        accept_topic(store, topic, ours.describe([topic])[topic].topic_id)
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 15)


def test_a_topic_created_anew_under_the_writer_stops_it(settings, store, admin):
    """Also while it runs the writer notices, before it stores a row under a wrong id."""
    topic = settings.topics.of(VERDICTS)
    with pytest.raises(IntegrityError), writing(settings) as writer:  # noqa: PT012 - the writer raises when it is left
        publish(settings, verdicts(0, 10))
        eventually(lambda: count(store, "v_ledger") == 10)
        _create_anew(settings, admin, topic)
        publish(settings, verdicts(100, 200))
        eventually(lambda: writer._feed._consumer is None)
    assert count(store, "v_ledger") == 10


def _create_anew(settings, admin, topic):
    admin.delete_topics([topic], operation_timeout=60)[topic].result(60)
    with KafkaAdmin(settings) as ours:
        eventually(lambda: topic not in ours.describe([topic]))
    create_topics(settings)


def test_the_largest_verdict_is_stored(settings, store):
    """A verdict of 48 MiB arrives whole, between two small ones."""
    text = "\u00e4" * (24 * 1024 * 1024)
    large = verdict("large", 1, judgement=Judgement(action="flag", prompt=side(text)))
    publish(settings, [verdict("e0", 0), large, verdict("e2", 2)])
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 3)
    (row,) = store.select("SELECT length(prompt_text) AS bytes FROM v_verdicts WHERE source_event_id = 'large'")
    assert row["bytes"] == 48 * 1024 * 1024


def test_odd_text_is_stored(settings, store):
    """NUL bytes, emoji and lone surrogates are stored; only what UTF-8 cannot hold is replaced."""
    text = "nul \x00 emoji 😀 lone \ud800 end"
    publish(settings, [verdict(judgement=Judgement(action="flag", prompt=side(text)))])
    with writing(settings):
        eventually(lambda: count(store, "v_verdicts") == 1)
    (row,) = store.select("SELECT prompt_text FROM v_verdicts")
    assert row["prompt_text"] == "nul \x00 emoji 😀 lone \ufffd end"


def test_requests_without_verdicts_are_no_concern(settings, store):
    """The writer reads verdicts and dead letters only: what stands in the inputs is not its to store."""
    send(settings, settings.topics.of(REQUESTS), [Outgoing(None, b"{}", [])])
    publish(settings, verdicts(0, 1))
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == 1)
    with KafkaAdmin(settings) as admin:
        committed = admin.committed(f"{settings.namespace}.store")
    assert settings.topics.of(REQUESTS) not in {place.topic for place in committed}
    assert TopicPartition(settings.topics.of(VERDICTS), 0).topic in {place.topic for place in committed}


def test_too_many_refused_rows_stop_the_writer(settings, store):
    """Beyond the allowance nothing is given up on or passed over, and a mended store takes all."""
    settings = settings.model_copy(update={"dead_letter_share": 0.3, "dead_letter_least": 3})
    store.command("ALTER TABLE verdicts ADD CONSTRAINT picky CHECK model != 'poison'")
    publish(settings, [verdict(f"e{offset}", offset, model="poison") for offset in range(30)])
    with writing(settings) as writer:
        eventually(lambda: writer._metrics.dead_letter_stop.labels("store")._value.get() == 1)
        assert not writer.is_ready()
        assert writer.is_alive()
    died = len(list(list_dead_letters(settings, Filters())))
    assert died <= 9
    store.command("ALTER TABLE verdicts DROP CONSTRAINT picky")
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") >= 30)
    (row,) = store.select("SELECT uniqExact(offset) AS offsets, countIf(outcome = 'judged') AS judged FROM v_ledger")
    assert row["offsets"] == 30
    assert row["judged"] >= 30 - died
