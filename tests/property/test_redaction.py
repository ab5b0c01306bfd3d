"""Redaction can be undone, hides what it should, and never mistakes one thing for another."""

import re

from hypothesis import given
from hypothesis import strategies as st

from guards.exchange import SEPARATOR, Exchange
from guards.redaction import redact, restore
from schemas.actions import Action
from schemas.conversation import Message
from schemas.verdict import Finding, Judgement, SideJudgement

# Short alphabets collide often: brackets, digits and labels make texts that look like placeholders.
TEXTS = st.text(st.sampled_from("<>_12NAMEb \n\x00é👋مر") | st.characters(codec=None), max_size=40)
LABELS = st.sampled_from(["NAME", "NAME_1", "IP"])
REDACTED = st.just(Action.REDACT)
PLACEHOLDER = re.compile("<(NAME|NAME_1|IP)_[0-9]+>")


def found(start, end, label="NAME", action=Action.REDACT):
    return Finding(
        guard="pii", label=label, kind="match", score=0.9, threshold=0.5, action=action, start=start, end=end
    )


def side(*findings):
    return SideJudgement(action=Action.REDACT, scores={}, findings=findings, text="")


@st.composite
def judged(draw, text, actions=REDACTED):
    """A judgement of the text with any spans, overlapping or not."""
    points = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(points, points, LABELS, actions), max_size=6))
    return side(*(found(min(a, b), max(a, b), label, action) for a, b, label, action in spans if a != b))


@st.composite
def exchanges(draw):
    """Messages with spans inside each of them, a response and passages, and their judgement."""
    contents = draw(st.lists(TEXTS, min_size=1, max_size=4))
    findings, offset = [], 0
    for content in contents:
        mine = draw(judged(content)).findings
        findings += [f.model_copy(update={"start": f.start + offset, "end": f.end + offset}) for f in mine]
        offset += len(content) + len(SEPARATOR)
    prompt = tuple(Message(role="user", content=content) for content in contents)
    response, context = draw(TEXTS), tuple(draw(st.lists(TEXTS, max_size=2)))
    judgement = Judgement(
        action=Action.REDACT,
        prompt=side(*findings),
        response=draw(judged(response)),
        context=tuple(draw(judged(text)) for text in context),
    )
    return Exchange(prompt, response, context), judgement


def texts(exchange):
    return [*(message.content for message in exchange.prompt), exchange.response, *exchange.context]


@given(exchanges())
def test_restoring_gives_back_every_text(case):
    """With the values put back every text is what it was, to the last lone surrogate."""
    exchange, judgement = case
    redacted = redact(exchange, judgement)
    assert [restore(text, redacted.placeholders) for text in texts(redacted.exchange)] == texts(exchange)


@given(exchanges())
def test_a_placeholder_stands_for_one_value(case):
    """Each value has one placeholder, each placeholder one value, and no text had it before."""
    exchange, judgement = case
    placeholders = redact(exchange, judgement).placeholders
    assert len(set(placeholders.values())) == len(placeholders)
    assert all(PLACEHOLDER.fullmatch(name) for name in placeholders)
    assert not any(name in text for name in placeholders for text in texts(exchange))


@given(st.lists(st.sampled_from(["secret", "👋🏽", "<NAME_1>", "word\ud800", "مرحبا", ""]), max_size=12))
def test_nothing_sensitive_is_left(words):
    """A value that is found wherever it stands stands nowhere afterwards."""
    text = " ".join(words)
    spans = [match.span() for match in re.finditer("secret", text)]
    judgement = Judgement(action=Action.REDACT, response=side(*(found(*span, "SECRET") for span in spans)))
    redacted = redact(Exchange(response=text), judgement)
    assert redacted.exchange.response == text.replace("secret", "<SECRET_1>")
    assert set(redacted.placeholders.values()) == ({"secret"} if spans else set())


@given(TEXTS, st.data())
def test_only_what_is_to_be_redacted_is(text, data):
    """Findings with another action change nothing, wherever they are."""
    others = st.sampled_from([Action.FLAG, Action.HOLD])
    judgement = Judgement(action=Action.HOLD, response=data.draw(judged(text, others)))
    redacted = redact(Exchange(response=text), judgement)
    assert (redacted.exchange.response, redacted.placeholders) == (text, {})


@given(TEXTS, st.dictionaries(st.sampled_from(["<NAME_1>", "<NAME_2>", "<IP_1>"]), TEXTS))
def test_values_are_put_back_once(text, placeholders):
    """A value that looks like a placeholder is not replaced again."""
    pieces = re.split("(<NAME_1>|<NAME_2>|<IP_1>)", text)
    assert restore(text, placeholders) == "".join(placeholders.get(piece, piece) for piece in pieces)


NAMES = st.lists(st.sampled_from(["Ann", "Bob", "👋🏽", "é", "مريم", "x", "\ud800"]), min_size=1, max_size=5).map(
    " ".join
)


def named(contents):
    """An exchange of such messages, in which Ann, Bob and مريم are to be redacted."""
    text = SEPARATOR.join(contents)
    findings = [found(*match.span()) for match in re.finditer("Ann|Bob|مريم", text)]
    exchange = Exchange(tuple(Message(role="user", content=content) for content in contents))
    return exchange, Judgement(action=Action.REDACT, prompt=side(*findings))


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, max_size=4))
def test_a_conversation_keeps_its_placeholders(before, after):
    """When a conversation goes on, what was redacted in its earlier turns has the placeholders that it had."""
    first, later = redact(*named(before)), redact(*named([*before, *after]))
    assert later.exchange.prompt[: len(before)] == first.exchange.prompt
    assert first.placeholders.items() <= later.placeholders.items()
