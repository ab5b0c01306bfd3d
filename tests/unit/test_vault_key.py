"""Where the vault's master key comes from, and what is said of one that will not do."""

import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from schemas.errors import Code, ConfigError
from streams.cli.vault import text_of
from streams.local.state import StackState, start_time, write_state
from streams.settings import Settings
from streams.stack.attachment import attached_settings
from streams.stack.stack import plan_stack
from streams.vault.keeper import EventName
from streams.vault.key_source import new_key, read_master_key, write_key_file
from streams.vault.opening import open_vault
from streams.vault.unmasking import Unmasked

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
VALUE, FILE = "WEIR_VAULT_KEY", "WEIR_VAULT_KEY_FILE"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("WEIR_HOME", VALUE, FILE):
        monkeypatch.delenv(name, raising=False)


def settings(**changes):
    return Settings(_env_file=None, **{"vault_key": None, "vault_key_file": None, **changes})


@pytest.fixture
def key_file(tmp_path):
    """A function that writes a file with some text and mode."""

    def write(text, mode=0o600):
        path = tmp_path / "key"
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def refusal(**changes):
    with pytest.raises(ConfigError) as caught:
        read_master_key(settings(**changes))
    assert caught.value.code is Code.VAULT_KEY
    return caught.value


def test_a_value_and_a_file_give_the_same_key(key_file):
    """The setting's value and a file's content mean the same; white space around it does not matter."""
    text = new_key()
    value = read_master_key(settings(vault_key=text))
    assert read_master_key(settings(vault_key_file=key_file(f"\n{text}\n"))).id == value.id
    assert read_master_key(settings(vault_key=new_key())).id != value.id


def test_the_first_of_several_wraps(key_file):
    """Several keys, a line each, are a ring whose first key wraps."""
    new, old = new_key(), new_key()
    ring = read_master_key(settings(vault_key_file=key_file(f"{new}\n{old}\n")))
    assert ring.id == read_master_key(settings(vault_key=new)).id
    assert ring.unwrap(read_master_key(settings(vault_key=old)).wrap(b"k" * 32)) == b"k" * 32


@pytest.mark.parametrize(
    "text", ["", " ", "short", b64encode(b"k" * 31).decode(), b64encode(b"k" * 33).decode(), "k" * 32, "ключ", "\x00"]
)
def test_a_key_of_another_length_is_refused(key_file, text):
    """What is not 32 bytes in base64 names the setting and the command, and is not repeated."""
    for name, changes in {VALUE: {"vault_key": text}, FILE: {"vault_key_file": key_file(text)}}.items():
        error = refusal(**changes)
        assert error.field == name
        assert "weir vault new-key" in error.message
        assert text.strip() not in error.message or not text.strip()


def test_one_bad_key_in_a_ring_is_refused(key_file):
    """A ring is good if all of it is."""
    assert refusal(vault_key_file=key_file(f"{new_key()}\nshort\n")).field == FILE


def test_two_sources_are_refused(key_file):
    """A value and a file at once are an error: which one counts would be a guess."""
    assert refusal(vault_key=new_key(), vault_key_file=key_file(new_key())).field == VALUE


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """No such file, or a folder: the setting, the path and the reason."""
    for path in (tmp_path / "none", tmp_path):
        error = refusal(vault_key_file=path)
        assert error.field == FILE
        assert str(path) in error.message


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_for_everyone_is_refused(key_file, mode):
    """A key that everyone may read, or put another in its place, is no key."""
    error = refusal(vault_key_file=key_file(new_key(), mode))
    assert error.field == FILE
    assert "chmod" in error.message


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_a_file_for_its_owner_and_group_will_do(key_file, mode):
    """Groups may read it: that is how orchestrators hand out secrets."""
    assert read_master_key(settings(vault_key_file=key_file(new_key(), mode)))


def test_a_key_file_is_made_once(tmp_path):
    """It is its owner's alone, and is never written over, also by several at once."""
    path = tmp_path / "home" / "vault.key"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: write_key_file(path), range(8)))
    made = path.read_text()
    write_key_file(path)
    assert path.read_text() == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["vault.key"]
    assert read_master_key(settings(vault_key_file=path))


def test_a_key_file_that_cannot_be_made_is_a_clear_error(tmp_path):
    """The path and the reason, under VAULT_KEY."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match="VAULT_KEY"):
        write_key_file(tmp_path / "taken" / "vault.key")


def plan(**changes):
    return plan_stack(settings(kafka_bootstrap="k:1", clickhouse_url="http://c:1", **changes))


def test_the_local_stack_has_a_key_of_its_own(tmp_path, monkeypatch):
    """Every process is told of the home's key, which a second start finds again, and so do commands."""
    monkeypatch.setenv("WEIR_HOME", str(tmp_path))
    assert attached_settings().vault_key_file is None
    for _ in range(2):
        files = {spec.environment[FILE] for spec in plan(home=tmp_path).specs}
        assert files == {str(tmp_path / "vault.key")}
    pid = os.getpid()
    write_state(tmp_path, StackState(pid, start_time(pid), True, "k:1", "weir", "http://c:1", "weir", ()))
    assert attached_settings().vault_key_file == tmp_path / "vault.key"


def test_the_local_stack_takes_a_key_that_is_configured(tmp_path, key_file):
    """No file is made where there is a key, and one that will not do stops the start."""
    mine = key_file(new_key())
    assert all(spec.environment[FILE] == str(mine) for spec in plan(home=tmp_path, vault_key_file=mine).specs)
    assert not any(FILE in spec.environment for spec in plan(home=tmp_path, vault_key=new_key()).specs)
    assert not (tmp_path / "vault.key").exists()
    with pytest.raises(ConfigError, match="VAULT_KEY"):
        plan(home=tmp_path, vault_key="short")


def test_a_terminal_is_shown_nothing_that_it_would_obey():
    """Control characters, what turns text round and lone surrogates are escapes; lines, Arabic and emoji are not."""
    content = {"prompt": "a\nb\t\x1b[2J\x9b \u202e \ud800 مرحبا 👋"}
    shown = text_of(Unmasked(EventName("shop", "web", "e1", "screen"), "shop/user/u", UUID(int=0), NOON, content))
    assert shown.splitlines()[1:] == ["prompt:", "a", "b\t\\x1b[2J\\x9b \\u202e \\ud800 مرحبا 👋"]


def test_without_a_key_there_is_no_vault():
    """One warning that names the setting, and no keeper."""
    with capture_logs() as lines:
        assert open_vault(settings()) is None
    assert [(line["log_level"], line["setting"]) for line in lines] == [("warning", VALUE)]


def test_with_a_key_there_is_one():
    """A keeper, and no word of the key in the log."""
    text = new_key()
    with capture_logs() as lines:
        keeper = open_vault(settings(vault_key=text))
    assert keeper.open(keeper.seal("s", {"a": "b"}, "r"), "r") == {"a": "b"}
    assert text not in repr(lines)
