"""The schema, the views and the connection, on the real engine."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import pytest

from schemas.codec import Message
from schemas.dead_letter import Reason
from schemas.errors import ConfigError, IntegrityError, UnavailableError
from schemas.verdict import Judgement
from streams.settings import Settings
from streams.store.client import RowsRefusedError, Store
from streams.store.columns import log_values
from streams.store.migrations import Migration, migrate, shipped_migrations
from streams.store.positions import accept_topic, read_known
from streams.store.rows import NO_ID, dead_entry, dead_letter_row, judged_entry, verdict_row
from tests.fixtures.pages import examples
from tests.fixtures.store_rows import NOON, finding, message, side, verdict
from tests.fixtures.store_side import count

pytestmark = pytest.mark.store
CANARY = "canary-4711"


def log(record, offset, **changes):
    return log_values(message(record, offset, **changes), "ids")


def put(store, record, offset, token="", **changes):
    """One verdict and its ledger entry, under a token of its own."""
    where = log(record, offset, **changes)
    store.insert("verdicts", [verdict_row(record, where)], f"v{offset}{token}")
    store.insert("ledger", [judged_entry(record, where)], f"l{offset}{token}")


def test_migrating_twice_changes_nothing(clickhouse_url, database):
    """The first run applies every file and says so, the second none."""
    settings = Settings(clickhouse_url=clickhouse_url, database=database)
    first, second = migrate(settings), migrate(settings)
    assert [(applied.name, applied.new) for applied in first] == [(each.name, True) for each in shipped_migrations()]
    assert [(applied.name, applied.new) for applied in second] == [(each.name, False) for each in shipped_migrations()]


def test_migrating_at_once_ends_in_one_schema(clickhouse_url, database):
    """Several processes may migrate at the same time."""
    settings = Settings(clickhouse_url=clickhouse_url, database=database)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(migrate, [settings] * 4))) == 4
    assert not any(applied.new for applied in migrate(settings))


def test_a_changed_migration_is_refused(database_settings):
    """A file that differs from what was applied is named."""
    first, *others = shipped_migrations()
    with pytest.raises(IntegrityError, match=first.name):
        migrate(database_settings, [Migration(first.name, first.script + "--"), *others])


def test_the_default_database_is_refused(clickhouse_url):
    """ClickHouse's own database is not ours to fill."""
    with pytest.raises(ConfigError, match="WEIR_DATABASE"):
        migrate(Settings(clickhouse_url=clickhouse_url, database="default"))


def test_a_row_comes_back_as_it_was(store):
    """Every column of a verdict holds what the record said."""
    judgement = Judgement(
        action="redact",
        prompt=side(
            "<EMAIL_ADDRESS>", action="redact", findings=(finding(), finding(label="IBAN", start=None, origin="echo"))
        ),
        response=side("ok", scores={"relevance": 0.5}),
        context=(side("c1", scores={"injection": 0.75}), side("c2")),
    )
    put(store, verdict(judgement=judgement, code="TOO_LONG", traceparent="00-x"), 4)
    (row,) = store.select("SELECT * FROM v_verdicts")
    assert (row["action"], row["prompt_action"], row["response_action"]) == ("redact", "redact", "allow")
    assert (row["app"], row["user"], row["code"], row["policy_version"]) == ("shop", "u1", "TOO_LONG", 3)
    assert (row["response_relevance"], row["context_injection"]) == (0.5, 0.75)
    assert row["context_scores"][0] == {"injection": 0.75}
    assert row["versions"] == {"encoder": "1"}
    assert row["findings.label"] == ["EMAIL_ADDRESS", "IBAN"]
    assert row["findings.start"] == [3, None]
    assert row["latency_seconds"] == 2.0
    assert row["source_time"].replace(tzinfo=UTC) == NOON + timedelta(seconds=1)
    findings = store.select("SELECT * FROM v_findings ORDER BY label")
    assert [(each["side"], each["guard"], each["action"]) for each in findings] == [("prompt", "pii", "redact")] * 2
    assert [each["origin"] for each in findings] == ["", "echo"]
    (rate,) = store.select("SELECT * FROM v_rates")
    assert (rate["app"], rate["action"], rate["events"]) == ("shop", "redact", 1)


def test_answers_of_models_on_trial_stand_beside_the_others(store):
    """A row for each copy that was judged, with what was answered; stored twice it is one row still."""
    answered = {"stage": "judge", "model": "m"}
    for number, token in ((1, "a"), (1, "b"), (2, "a")):
        live = verdict(f"e{number}", number, verdict_id=uuid5(NO_ID, f"live-{number}"), **answered)
        put(store, live, number, token)
    said = Judgement(action="block", response=side("no", scores={"toxicity": 0.75}))
    trial = {"run": "shadow:model:n", "judgement": said, "stage": "judge", "model": "n"}
    for token in ("a", "b"):
        put(store, verdict("e1", 1, verdict_id=uuid5(NO_ID, "trial"), **trial), 7, token)
    put(store, verdict("e2", 2, verdict_id=uuid5(NO_ID, "policy"), stage="judge", run="shadow:p@2"), 8)
    (row,) = store.select("SELECT * FROM v_shadows")
    assert (row["source_event_id"], row["model"], row["shadow_model"]) == ("e1", "m", "n")
    assert (row["action"], row["shadow_action"], row["shadow_toxicity"]) == ("flag", "block", 0.75)
    assert (row["response_text"], row["shadow_text"]) == ("world", "no")
    (shown,) = (each.text for each in examples("sql") if "v_shadows" in each.text)
    (alike,) = store.select(shown.replace("weir.", ""))
    assert (alike["shadow_model"], alike["pairs"], alike["only_shadow_blocked"]) == ("n", 1, 1)


@pytest.mark.parametrize("year", [1, 1970, 2099, 9999])
def test_any_clock_of_a_client_is_stored(store, year):
    """A client's clock of any year is stored, and decides neither the month nor the retention."""
    put(store, verdict(event_time=datetime(year, 6, 1, tzinfo=UTC)), 4)
    (row,) = store.select("SELECT event_time, toYYYYMM(log_time) AS month FROM v_verdicts")
    assert row["event_time"].year == min(max(year, 1900), 2299)
    assert row["month"] == 202611


def test_everything_stored_twice_changes_no_figure(store):
    """Every row of every table stored a second time, some in another month: no view differs in any figure."""
    views = ("v_verdicts", "v_findings", "v_dead_letters", "v_ledger", "v_rates")
    records = [
        verdict(f"e{n}", n, judgement=Judgement(action="flag", prompt=side(findings=(finding(),)))) for n in range(20)
    ]
    reason = Reason("weir.requests", 0, 7, "screen", "WRONG_TYPE", "should be text", "app", 0)
    dead = Message("weir.requests.dlq", 0, 3, NOON)

    def fill(token):
        for record in records:
            put(store, record, record.position.offset, token)
        where = log_values(dead, "d")
        store.insert("dead_letters", [dead_letter_row(reason, "r", 5, where)], f"d{token}")
        store.insert("ledger", [dead_entry(reason, "r", where)], f"dl{token}")

    def figures():
        return {view: store.select(f"SELECT * FROM {view} ORDER BY ALL") for view in views}

    for table in ("verdicts", "ledger", "dead_letters"):
        store.command(f"SYSTEM STOP MERGES {table}")
    fill("first")
    before = figures()
    fill("second")
    for record in records[:5]:  # judged again later: another offset, another month
        put(store, record, record.position.offset + 1000, time=NOON + timedelta(days=40))
    assert count(store, "verdicts") == 45
    after = figures()
    for name in ("log_offset", "log_time", "version"):  # the ledger names the latest verdict of an offset
        for row in (*before["v_ledger"], *after["v_ledger"]):
            row.pop(name, None)
    assert after == before
    for table in ("verdicts", "ledger", "dead_letters"):
        store.command(f"SYSTEM START MERGES {table}")
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    merged = figures()
    assert [len(merged[view]) for view in views] == [len(before[view]) for view in views]


def test_the_first_verdict_counts(store):
    """Of two verdicts with one id the one with the lower offset is shown, whichever was stored first."""
    put(store, verdict(judgement=Judgement(action="block", prompt=side())), 9)
    put(store, verdict(judgement=Judgement(action="flag", prompt=side())), 4)
    assert [row["action"] for row in store.select("SELECT action FROM v_verdicts")] == ["flag"]


def test_one_token_is_stored_once(store):
    """A block sent again under its token is not stored again."""
    row = verdict_row(verdict(), log(verdict(), 4))
    for _ in range(3):
        store.insert("verdicts", [row], "same")
    assert count(store, "verdicts") == 1


def test_a_row_of_the_wrong_shape_is_refused(store):
    """A value that its column cannot hold is the row's fault, and the error does not say what it was."""
    row = {**verdict_row(verdict(), log(verdict(), 4)), "source_partition": 2**40, "prompt_text": CANARY}
    with pytest.raises(RowsRefusedError) as caught:
        store.insert("verdicts", [row], "t")
    assert CANARY not in str(caught.value)
    store.command(f"ALTER TABLE verdicts ADD CONSTRAINT picky CHECK app != '{CANARY}'")
    with pytest.raises(RowsRefusedError) as caught:
        store.insert("verdicts", [verdict_row(verdict(app=CANARY), log(verdict(), 4))], "t")
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert count(store, "verdicts") == 0


def test_a_store_without_tables_is_a_matter_of_configuration(clickhouse_url):
    """Without migrations the error says what to run."""
    with (
        pytest.raises(ConfigError, match="weir migrate"),
        Store.of(Settings(clickhouse_url=clickhouse_url, database="nowhere")) as store,
    ):
        store.select("SELECT * FROM v_verdicts")


def test_a_store_that_does_not_answer(database_settings):
    """Nobody listening is said in one clear line."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Settings(clickhouse_url=f"http://127.0.0.1:{free.getsockname()[1]}")
        with Store.of(nobody) as store, pytest.raises(UnavailableError, match="does not answer"):
            store.select("SELECT 1")


def test_positions_are_the_ledgers(store):
    """Where to go on is past the highest offset of the ledger, by topic id; accepted ids are known."""
    for offset in (3, 5, 4):
        put(store, verdict(f"e{offset}", offset), offset)
    known = read_known(store)
    assert known.resume("weir.verdicts", "ids", 0, None) == 6
    assert known.resume("weir.verdicts", "ids", 0, 9) == 9
    assert known.resume("weir.verdicts", "ids", 1, None) is None
    known.check("weir.verdicts", "ids")
    known.check("never seen", "any")
    with pytest.raises(IntegrityError, match=r"weir\.verdicts"):
        known.check("weir.verdicts", "others")
    accept_topic(store, "weir.verdicts", "others")
    read_known(store).check("weir.verdicts", "others")
