"""The reviewers' page in a real browser, over the real broker, engine, writer and settle."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn

from schemas.verdict import Judgement
from streams.console.admission import Key
from streams.console.service import Console, Reader
from streams.local.ports import choose_port
from streams.reviews.desk import Tools
from streams.reviews.leases import Leases
from streams.reviews.posting import Post
from streams.reviews.sample import sample_review
from streams.reviews.stored import open_reviews
from streams.store.client import Store
from tests.fixtures.chromium import browser
from tests.fixtures.served_rows import outgoing, review
from tests.fixtures.settle_scene import SOURCE, held, review_id
from tests.fixtures.settle_side import Installation
from tests.fixtures.store_rows import finding, side, verdict
from tests.fixtures.store_side import publish, send, writing
from tests.fixtures.waiting import eventually

__all__ = ["browser"]
pytestmark = [pytest.mark.kafka, pytest.mark.store]

SHOTS = Path(__file__).parents[2] / "build" / "console"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title = 2</script>'
ARABIC = "مرحبا، أين طلبي رقم 17؟ 👩‍👩‍👧 <EMAIL_ADDRESS>"


@pytest.fixture
def installation(settings):
    made = Installation(settings)
    yield made
    made.close()


@contextmanager
def served(settings, name="ann"):
    """The console of a reader, in a thread of its own."""
    key = Key(choose_port())
    with Store.of(settings) as store, Post(settings) as post, Leases(settings, post) as leases:
        tools = Tools(store, post, leases, lambda text: text.replace("Zoe", "<PERSON>"))
        console = Console(settings, tools, Reader(name, "account"), key)
        server = uvicorn.Server(uvicorn.Config(console.app, port=key.port, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run)
        thread.start()
        eventually(lambda: server.started)
        try:
            yield console
        finally:
            server.should_exit = True
            thread.join(120)


def drawn(event_id, prompt, response, **changes):
    fields = {"review_stratum": "near", "review_rate": 0.5, "review_probability": 0.5, "review_sampled": True}
    at = prompt.find("<EMAIL_ADDRESS>")
    mail = finding(start=at, end=at + 11) if at >= 0 else None
    judgement = Judgement(
        action="redact" if mail else "allow",
        prompt=side(prompt, findings=(mail,) if mail else ()),
        response=side(response, scores={"relevance": 0.25}),
    )
    return verdict(event_id, judgement=judgement, **{**fields, **changes})


def put(settings, store, *verdicts, readings=1):
    publish(settings, verdicts)
    asked = [sample_review(each, readings) for each in verdicts]
    send(settings, f"{settings.namespace}.reviews", map(outgoing, asked))
    eventually(lambda: len(open_reviews(store, ("sample",))) == len(verdicts))
    return asked


def labels(store):
    rows = store.select("SELECT reader, answers, note, skipped FROM v_labels ORDER BY labelled_at")
    return [tuple(row.values()) for row in rows]


def test_a_sample_is_read_with_the_keyboard(settings, store, browser):
    """Take, answer, send, undo and skip without a mouse; texts of others are text, whatever is in them."""
    put_all = (
        drawn("e1", ARABIC, HOSTILE), drawn("e2", "Who wrote Faust?", "Goethe\u202e did.\U000e0041"),
        drawn("e3", "Who wrote Faust??", "Goethe did."),
    )  # fmt: skip
    with writing(settings), served(settings) as console:
        put(settings, store, *put_all)
        browser.open(console.key.url)
        browser.until("document.querySelectorAll('#queue li').length === 3")
        assert browser.js("location.href") == f"http://127.0.0.1:{console.key.port}/"
        assert browser.text("#tab-sample b") == "3"
        press(browser, "?")
        browser.until("document.querySelector('#help').open")
        browser.click("#help button")
        seen = {read_one(browser, store, number) for number in range(1, 4)}
        assert seen == {"e1", "e2", "e3"}
        browser.until("document.querySelector('.empty')?.textContent === 'nothing waits for you'")
        reader, answers, note, skipped = labels(store)[0]
        assert (reader, note, skipped) == ("ann", "<PERSON> says s", False)
        assert (answers["toxicity"], answers["pii"], answers["relevant"], answers.get("correct")) == (
            True, False, True, None,
        )  # fmt: skip
        press(browser, "u")
        browser.until("document.querySelector('#notice').textContent === 'undone'")
        eventually(lambda: len(labels(store)) == 2)
        press(browser, "x")
        browser.until("document.querySelector('#notice').textContent.startsWith('skipped')")
        eventually(lambda: [each[3] for each in labels(store)] == [False, False, True])
        browser.until("!state.busy")
        browser.click("#tab-figures")
        browser.until("document.querySelector('table')")
        assert "near" in browser.text("#review")
        assert browser.errors == []


def read_one(browser, store, number):
    """Take one, say that it is toxic, with a remark, and send that; the request that it was about."""
    press(browser, "n")
    browser.until("!state.busy && state.review")
    shown = browser.text("#review")
    name = next(each for each in ("e1", "e2", "e3") if f"request {each}" in shown)
    if name == "e1":
        check_texts(browser)
        browser.screenshot(shot("sample.png"))
    if name == "e2":
        assert "U+202E" in shown
        assert "U+E0041" in shown
    press(browser, "1")  # from no to unknown, and to yes
    press(browser, "1")
    assert browser.text(".questions button:first-child em") == "yes"
    browser.js("document.querySelector('#note').focus()")
    browser.type("Zoe says s")
    browser.press("Escape")
    press(browser, "s")
    browser.until("!state.busy && document.querySelector('#notice').textContent.startsWith('answered')")
    eventually(lambda: len(labels(store)) == number)
    return name


def press(browser, key):
    """A key once the page has done what the last one asked for: it takes one thing at a time."""
    browser.until("!state.busy")
    browser.press(key)


def check_texts(browser):
    """Right-to-left text runs from the right, placeholders are marked, and markup of others does nothing."""
    prompt, response = ".passage:nth-of-type(1) .text", ".passage:nth-of-type(2) .text"
    assert browser.text(prompt) == ARABIC
    assert browser.js(f"getComputedStyle(document.querySelector('{prompt}')).direction") == "rtl"
    assert browser.js(f"getComputedStyle(document.querySelector('{response}')).direction") == "ltr"
    assert browser.text(f"{prompt} mark") == "<EMAIL_ADDRESS>"
    assert browser.text(response) == HOSTILE
    assert browser.js("document.title") == "Weir: review"
    assert browser.js("document.querySelectorAll('#review img, #review script').length") == 0


def test_what_is_held_is_decided(installation, store, browser):
    """Release, edit and refuse from the page take effect, and somebody else's is not taken away."""
    settings = installation.settings
    with installation.settling(), writing(settings), served(settings) as console, served(settings, "bob") as other:
        hold(installation, store, "free", "reworded", "no")
        browser.open(console.key.url)
        browser.until("!state.busy")
        browser.click("#tab-hold")
        browser.until("document.querySelectorAll('#queue li').length === 3")
        press(browser, "n")
        browser.until("!state.busy && document.querySelector('.passage.held')")
        browser.dark()
        browser.screenshot(shot("held.png"))
        first = browser.js("state.review.id")
        assert ask(other, "open", {"review_id": first}).status_code == 409
        press(browser, "r")
        browser.until("document.querySelector('#notice').textContent === 'done: the request is settled, delivered'")
        press(browser, "n")
        browser.until(f"!state.busy && state.review && state.review.id !== '{first}'")
        second = browser.js("state.review.id")
        press(browser, "e")
        browser.until("document.querySelector('#ask').open")
        browser.js("document.querySelector('#ask textarea').value = ''")
        browser.type("A kinder answer 🙂")
        browser.click("#ask [value=ok]")
        browser.until("document.querySelector('#notice').textContent === 'done: the request is settled, redacted'")
        press(browser, "n")
        browser.until(f"!state.busy && state.review && !['{first}', '{second}'].includes(state.review.id)")
        press(browser, "f")
        browser.until("document.querySelector('#ask').open")
        browser.click("#ask [value=ok]")
        browser.until("document.querySelector('#notice').textContent.includes('REFUSED_BY_REVIEWER')")
        replies = installation.finals(3)
        assert sorted(reply.status for ((_, reply),) in replies.values()) == ["delivered", "redacted", "withheld"]
        assert [reply.text for ((_, reply),) in replies.values() if reply.status == "redacted"] == [
            "A kinder answer 🙂"
        ]
        assert ask(other, "decide", {"review_id": first, "action": "release"}).status_code == 409
        assert browser.errors == []


def hold(installation, store, *names):
    """Responses of so many requests, held, once the store knows it."""
    settings, now = installation.settings, datetime.now(UTC)
    for name in names:
        message = installation.request(name)
        installation.outcome(message, name, held(message, name, "response"))
        opened = review(
            name, "response", review_id=review_id(name, "response"), source=SOURCE, opened_at=now,
            expires_at=now + timedelta(hours=1), judgement=judged(),
        )  # fmt: skip
        send(settings, f"{settings.namespace}.reviews", [outgoing(opened)])
    eventually(lambda: [each.state for each in open_reviews(store)] == ["held"] * len(names))


def judged():
    found = finding(guard="toxicity", label="insult", kind="score", action="hold", score=0.91, start=0, end=9)
    return Judgement(action="hold", response=side("You idiot, read the manual.", action="hold", findings=(found,)))


def ask(console, path, body):
    """What the page of that console would ask, with its key."""
    url = f"http://127.0.0.1:{console.key.port}"
    return httpx.post(
        f"{url}/api/{path}", json=body, headers={"origin": url}, cookies={console.key.cookie: console.key.secret},
        timeout=120,
    )  # fmt: skip


def test_faults_are_one_line(settings, store):
    """What the page should not have asked is refused with a reason that names the field; nothing is repeated."""
    with served(settings) as console:
        for path, body, fault in [
            ("label", {"review_id": "ffffffff", "answers": {"pii": True}}, "no review"),
            ("label", {"review_id": "%", "answers": {}}, "review"),
            ("label", {"review_id": "a", "answers": {"Canary 4711": True}}, "answers"),
            ("next", {"kind": "canary-4711"}, "kind"),
            ("unmask", {"review_id": "ffffffff", "reason": ""}, "no review"),
        ]:
            answer = ask(console, path, body)
            assert answer.status_code == 400
            assert fault in answer.json()["error"]
            assert "anary-4711" not in answer.text
        assert ask(console, "label", {"review_id": "a" * 5_000_000}).status_code == 400
        assert ask(console, "nothing", {}).status_code == 404
        assert httpx.get(console.key.url.replace("key=", "key=x")).status_code == 403


def shot(name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS / name
