"""Who gets at the console: this machine's browser with the key, from the console's own page."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from streams.console.admission import SECURITY_HEADERS, Admission, Key

KEY = Key(8090)
HOST = "127.0.0.1:8090"
OWN = {"origin": f"http://{HOST}", "content-type": "application/json"}


@pytest.fixture
def client():
    return TestClient(Admission(PlainTextResponse("inside"), KEY), base_url=f"http://{HOST}", follow_redirects=False)


@pytest.fixture
def admitted(client):
    client.cookies.set(KEY.cookie, KEY.secret)
    return client


def test_the_key_opens_once_and_stays_in_a_cookie(client):
    """The printed address sets a cookie that no script reads and no other site sends, and leads to a bare address."""
    answer = client.get(KEY.url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/").text == "inside"


@pytest.mark.parametrize("cookie", ["", "wrong", "\xff", f"{KEY.secret}x"], ids=["none", "wrong", "odd", "longer"])
def test_nobody_without_the_key(client, cookie):
    """Another program of this machine, or another user of it, gets nothing."""
    client.cookies.set(KEY.cookie, cookie.encode().decode("latin-1") if cookie.isascii() else "")
    assert client.get("/").status_code == 403
    assert client.get(f"/?key={cookie}").status_code == 403
    assert client.get("/api/queue").status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8090", "127.0.0.1:8091", "127.0.0.1", ""])
def test_only_by_its_own_name(admitted, host):
    """A page whose name was made to point at this machine is turned away, cookie or not."""
    assert admitted.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 200),
        ({**OWN, "origin": "http://localhost:8090"}, 200),
        ({**OWN, "origin": "http://evil.example"}, 403),
        ({**OWN, "origin": "http://127.0.0.1:3000"}, 403),
        ({**OWN, "origin": "null"}, 403),
        ({"content-type": "application/json"}, 403),
        ({**OWN, "content-type": "text/plain"}, 403),
        ({**OWN, "content-type": "application/x-www-form-urlencoded"}, 403),
    ],
)
def test_changes_come_from_its_own_page(admitted, headers, status):
    """A form or a script of another site cannot answer in the reader's name."""
    assert admitted.post("/api/label", content=b"{}", headers=headers).status_code == status


def test_every_answer_keeps_the_browser_strict(client, admitted):
    """Refused or not, what is sent runs no script of others, in no frame, and is not kept."""
    for answer in (admitted.get("/"), client.get("/", headers={"host": "evil.example"})):
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert "unsafe" not in SECURITY_HEADERS["content-security-policy"]


def test_the_key_stays_out_of_reprs():
    """It is not logged by accident."""
    assert KEY.secret not in repr(KEY)
