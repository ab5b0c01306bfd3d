"""The vault on a real broker and a real store: kept by two processes, shown on record, forgotten."""

import json
import subprocess
import sys
from random import Random

import pytest

from schemas.codec import Outgoing
from schemas.errors import Code, ConfigError, WeirError
from schemas.topics import VAULT
from streams.agents.producer import BatchProducer
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import confluent_config
from streams.settings import child_environment
from streams.stage import Publication
from streams.vault.archive import MOST, Archive, Wanted
from streams.vault.forgetting import forget
from streams.vault.keeper import EventName, subject_of
from streams.vault.key_source import new_key, write_key_file
from streams.vault.opening import open_vault
from streams.vault.unmasking import Warrant, unmask
from tests.fixtures.store_side import count

pytestmark = [pytest.mark.kafka, pytest.mark.store]

CANARY = "I am Ann, 4111 1111 1111 1111 \ud83d مرحبا 👋 \x00"
SUBJECT = subject_of("shop", "ann", "c1")
SCREEN = EventName("shop", "web", "e1", "screen")
JUDGE = EventName("shop", "web", "e1", "judge")
EVENT = Wanted("e1")
WARRANT = Warrant("bea", "root", "a complaint, ticket 7")

# Another process, which shares the key and the topic and nothing else.
KEEP = """
import json, sys
from streams.settings import load_settings
from tests.integration.test_vault import keep
from streams.vault.keeper import EventName
subject, text, *event = json.load(sys.stdin)
keep(load_settings(), subject, text, EventName(*event))
"""


@pytest.fixture
def settings(database_settings, bootstrap, namespace, tmp_path):
    """An installation that has the one topic, and a master key in a file."""
    path = tmp_path / "vault.key"
    write_key_file(path)
    mine = {"kafka_bootstrap": bootstrap, "namespace": namespace.prefix, "vault_key_file": path, "home": tmp_path}
    made = database_settings.model_copy(update=mine)
    with KafkaAdmin(made) as admin:
        admin.create({namespace.of(VAULT): VAULT}, replication=1)
    return made


def keep(settings, subject=SUBJECT, text=CANARY, event=SCREEN):
    """As a stage does: what the keeper asks for is published."""
    publish(settings, open_vault(settings).keep(subject, {"prompt": text}, event))


def publish(settings, publications):
    producer = BatchProducer(confluent_config(settings))
    producer.start()
    assert not producer.publish(publications)


def environment(settings):
    names = ("kafka_bootstrap", "namespace", "clickhouse_url", "database", "vault_key_file", "home")
    return child_environment(**{name: str(getattr(settings, name)) for name in names})


def keep_elsewhere(settings, *arguments):
    text = json.dumps(arguments)
    done = subprocess.run(
        [sys.executable, "-c", KEEP], input=text, env=environment(settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def weir(settings, *arguments, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "vault", *arguments],
        input=stdin, env=environment(settings), capture_output=True, text=True, check=False,
    )  # fmt: skip


def refusal(settings, warrant=WARRANT):
    with pytest.raises(WeirError) as caught:
        unmask(settings, EVENT, warrant)
    return caught.value


def test_what_two_processes_kept_is_shown_once_it_is_on_record(settings, store):
    """Each stage's text comes back, oldest first; who, why and what are in the store, a row an entry."""
    keep(settings)
    keep_elsewhere(settings, SUBJECT, "It is sunny.", *("shop", "web", "e1", "judge"))
    keep(settings, event=EventName("shop", "web", "e2", "screen"))
    shown = unmask(settings, EVENT, WARRANT)
    assert [(each.event, each.content) for each in shown] == [
        (SCREEN, {"prompt": CANARY}), (JUDGE, {"prompt": "It is sunny."}),
    ]  # fmt: skip
    assert shown[0].key_id != shown[1].key_id
    rows = store.select("SELECT * FROM v_unmaskings ORDER BY kept_at")
    columns = ("unmasked_by", "account", "reason", "app", "stage", "source", "source_event_id", "subject")
    same = ("bea", "root", "a complaint, ticket 7", "shop")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (*same, stage, "web", "e1", SUBJECT) for stage in ("screen", "judge")
    ]
    assert [row["key_id"] for row in rows] == [each.key_id for each in shown]
    unmask(settings, EVENT, WARRANT)
    assert count(store, "v_unmaskings") == 4


def test_only_what_is_wanted_is_shown(settings, store):
    """App, source and stage tell events of one id apart; what is not shown is not on record."""
    for event in (SCREEN, JUDGE, EventName("shop", "app", "e1", "screen"), EventName("bank", "web", "e1", "screen")):
        keep(settings, text=f"{event.app}/{event.source}/{event.stage}", event=event)
    cases = [
        (Wanted("e1", stage="judge"), ["shop/web/judge"]),
        (Wanted("e1", app="bank"), ["bank/web/screen"]),
        (Wanted("e1", source="app"), ["shop/app/screen"]),
        (Wanted("e"), []),
        (Wanted("e1\udcff"), []),
    ]
    for wanted, expected in cases:
        assert [each.content["prompt"] for each in unmask(settings, wanted, WARRANT)] == expected
    assert count(store, "v_unmaskings") == 3


def test_a_replay_replaces_what_was_kept(settings):
    """An event that a stage meets again, even in another process, is kept once."""
    for _ in range(2):
        keep(settings)
    assert len(unmask(settings, EVENT, WARRANT)) == 1


def test_a_huge_text_comes_back(settings):
    """10 MB that do not compress come back as they were."""
    text = Random(0).randbytes(5_000_000).hex()
    keep(settings, text=text)
    (shown,) = unmask(settings, EVENT, WARRANT)
    assert shown.content == {"prompt": text}


def test_a_reason_is_needed(settings, store):
    """Without who and why nothing is shown and nothing is on record."""
    keep(settings)
    for warrant, field in ((Warrant("bea", "root", "  "), "reason"), (Warrant("", "root", "because"), "by")):
        error = refusal(settings, warrant=warrant)
        assert (error.code, error.field) == (Code.MISSING_FIELD, field)
    assert count(store, "v_unmaskings") == 0


def test_a_store_that_is_down_shows_nothing(settings, switch):
    """What cannot be put on record is not shown."""
    keep(settings)
    switch.off()
    error = refusal(settings.model_copy(update={"clickhouse_url": switch.url}))
    assert error.code is Code.UNAVAILABLE


def test_another_master_key_or_none_is_refused(settings, store):
    """The error names the master key that is missing, and nothing is on record."""
    keep(settings)
    master = open_vault(settings)._keys._master.id
    other = settings.model_copy(
        update={"vault_key_file": None, "vault_key": type(settings.clickhouse_password)(new_key())}
    )
    error = refusal(other)
    assert (error.code, error.field) == (Code.VAULT_KEY, f"master key {master}")
    error = refusal(settings.model_copy(update={"vault_key_file": None}))
    assert (error.code, error.field) == (Code.VAULT_KEY, "WEIR_VAULT_KEY")
    assert count(store, "v_unmaskings") == 0


def test_a_missing_data_key_is_named(settings):
    """An entry whose data key is gone does not open; the error says which key."""
    keeper = open_vault(settings)
    key, entry = keeper.keep(SUBJECT, {"prompt": CANARY}, SCREEN)
    publish(settings, [entry])
    error = refusal(settings)
    assert error.code is Code.VAULT_KEY
    assert key.message.key.decode().endswith(error.field.removeprefix("data key "))
    publish(settings, [key])
    assert unmask(settings, EVENT, WARRANT)


def test_foreign_messages_in_the_topic_are_passed_over(settings):
    """What others wrote to the topic, under our keys too, stops nobody."""
    keeper = open_vault(settings)
    key, entry = keeper.keep(SUBJECT, {"prompt": CANARY}, SCREEN)
    for value in (b"e1", b'{"source_event_id": "e1"}', b"\xff e1", b""):
        names = (b"", b"\xff\x00", entry.message.key)
        publish(settings, [Publication(entry.topic, Outgoing(name, value)) for name in names])
    publish(settings, [key, entry])
    assert len(unmask(settings, EVENT, WARRANT)) == 1


def test_too_many_entries_are_refused(settings):
    """An id that very many sources used needs a closer description: memory holds no more than some."""
    keeper = open_vault(settings)
    publications = [
        each for n in range(MOST + 1)
        for each in keeper.keep(SUBJECT, {"prompt": "x"}, EventName("shop", f"s{n}", "e1", "screen"))
    ]  # fmt: skip
    publish(settings, publications)
    with pytest.raises(ConfigError, match="say which app, source or stage"):
        unmask(settings, EVENT, WARRANT)
    assert len(unmask(settings, Wanted("e1", source="s7"), WARRANT)) == 1


def test_a_forgotten_subject_is_gone_and_nobody_else(settings):
    """All data keys and entries of a subject go, whoever kept them; doing it again finds nothing."""
    other = subject_of("shop", "ann/x", "c1")
    keep(settings)
    keep(settings, event=JUDGE)
    keep(settings, subject=other, event=EventName("shop", "web", "e9", "screen"))
    done = forget(settings, SUBJECT)
    assert (done.data_keys, done.entries) == (2, 2)
    assert unmask(settings, EVENT, WARRANT) == []
    assert len(unmask(settings, Wanted("e9"), WARRANT)) == 1
    assert forget(settings, SUBJECT).entries == 0
    with Archive(settings) as archive:
        assert archive.names(SUBJECT) == []


def test_what_a_keeper_keeps_after_its_subject_was_forgotten_can_be_read(settings):
    """A process that still remembers the data key publishes it again with the next entry; old entries stay gone."""
    keeper = open_vault(settings)
    publish(settings, keeper.keep(SUBJECT, {"prompt": "x"}, SCREEN))
    forget(settings, SUBJECT)
    publish(settings, keeper.keep(SUBJECT, {"prompt": "x"}, EventName("shop", "web", "e2", "screen")))
    assert unmask(settings, EVENT, WARRANT) == []
    assert len(unmask(settings, Wanted("e2"), WARRANT)) == 1


def test_a_missing_topic_is_no_empty_vault(settings):
    """Another namespace than the workers' is an error, not a vault that keeps nothing of anybody."""
    other = settings.model_copy(update={"namespace": "nobody"})
    assert "nobody.vault" in str(refusal(other))
    with pytest.raises(ConfigError, match=r"nobody\.vault"):
        forget(other, SUBJECT)


def test_a_command_that_cannot_put_it_on_record_prints_one_line(settings):
    """Exit status 2 and a clear line, whatever the libraries have to say, and no word of the text."""
    keep(settings)
    done = weir(settings.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"}), "show", "e1", "--reason", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("weir: UNAVAILABLE")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_line_shows_and_forgets(settings, store):
    """Text on standard output, a line without it in the log; then nothing, with exit status 1."""
    keep(settings)
    done = weir(settings, "show", "e1", "--reason", "ticket 8", "--by", "bea")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["content"] == {"prompt": CANARY}
    (line,) = [entry for entry in map(json.loads, done.stderr.splitlines()) if entry["event"] == "unmasked"]
    assert (line["by"], line["event_id"]) == ("bea", "e1")
    assert "4111" not in done.stderr
    assert store.select("SELECT reason, account != '' AS known FROM v_unmaskings") == [
        {"reason": "ticket 8", "known": 1}
    ]
    assert weir(settings, "show", "e1").returncode == 2
    assert weir(settings, "forget", "--app", "shop", "--user", "ann", stdin="n\n").returncode == 1
    assert "0 entries" in weir(settings, "forget", "--app", "shop", "--user", "\udcff", "--yes").stdout
    done = weir(settings, "forget", "--app", "shop", "--user", "ann", "--yes")
    assert "1 data keys and 1 entries" in done.stdout, done.stderr
    done = weir(settings, "show", "e1", "--reason", "ticket 8")
    assert (done.returncode, done.stdout) == (1, "")
