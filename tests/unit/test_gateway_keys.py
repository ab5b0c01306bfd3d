"""API keys: whose they are, and what is refused."""

import pytest

from schemas.errors import ConfigError
from streams.gateway.keys import Keys, read_keys
from streams.gateway.process import choose_keys
from streams.settings import Settings

KEY, OTHER = "k" * 16, "o" * 20


def settings(**values):
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("authorization", "app"),
    [
        (f"Bearer {KEY}", "shop"),
        (f"bearer  {KEY} ", "shop"),
        (f"Bearer {OTHER}", "shop"),
        (f"Basic {KEY}", None),
        (KEY, None),
        (f"Bearer {KEY}x", None),
        ("Bearer \ud83d", None),
        ("Bearer", None),
        ("", None),
        (None, None),
    ],
)
def test_a_key_speaks_for_its_app(authorization, app):
    """An app may have two keys; whatever is no key of anybody's speaks for nobody."""
    keys = read_keys(f"# ours\nshop {KEY}, shop {OTHER}\nbank {'b' * 16}", "f", "f")
    assert keys.app_of(authorization) == app


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f has no key"),
        ("# none\n", "f has no key"),
        ("shop", "f:1: should be an app and a key"),
        ("shop short", "f:1: should be an app and a key"),
        (f"a {KEY}\n\nb {KEY} c", "f:3: should be an app and a key"),
        (f"a {KEY}\nb {KEY}", "f:2: the key is another app's too"),
    ],
)
def test_what_will_not_do_is_refused_by_its_line(text, problem):
    """The error names the line and never the key."""
    with pytest.raises(ConfigError, match=problem) as caught:
        read_keys(text, "f", "SETTING")
    assert caught.value.field == "SETTING"
    assert KEY not in str(caught.value)


def test_keys_come_from_a_setting_or_a_file(tmp_path):
    """Both are read; a file that is not there is named."""
    path = tmp_path / "keys"
    path.write_text(f"shop {KEY}\n")
    for given in (settings(gateway_keys=f"shop {KEY}"), settings(gateway_keys_file=path)):
        assert choose_keys(given).app_of(f"Bearer {KEY}") == "shop"
    with pytest.raises(ConfigError, match="cannot be read: FileNotFoundError"):
        choose_keys(settings(gateway_keys_file=tmp_path / "none"))


def test_without_keys_only_this_machine_may_ask():
    """On loopback everybody is the app `default`; on any other address a key is asked for."""
    assert choose_keys(settings()).app_of(None) == "default"
    with pytest.raises(ConfigError, match="only to those who have a key"):
        choose_keys(settings(gateway_host="0.0.0.0"))


def test_keys_show_nowhere():
    """Neither keys nor their hashes are in the repr."""
    assert repr(Keys({b"hash": "shop"})) == "Keys(open_to=None)"
