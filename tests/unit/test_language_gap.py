"""What follows where a guard does not know the language of a text."""

import pytest

from guards.exchange import Exchange
from guards.pipeline import Case, Describers, Pipeline
from schemas.conversation import Message
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder, FirstWord, SpanGuard, WordGuard


class EnglishGuard(WordGuard):
    languages = frozenset({"en"})


def judge(text, *messages, **languages):
    rules = {"toxicity": {"flag": 0.5, "block": 0.8}, "pii": {"block": 0.5}}
    policy = Policy.model_validate({"id": "p", "version": 1, "prompt": rules, "languages": languages})
    pipeline = Pipeline([EnglishGuard(), SpanGuard()], CountingEncoder(), describers=Describers(FirstWord()))
    prompt = (*messages, Message(role="user", content=text))
    return pipeline.judge([Case(Exchange(prompt=prompt), policy)])[0].prompt


@pytest.mark.parametrize(
    ("text", "languages", "found", "action"),
    [
        ("en bad", {}, {"toxicity": "block"}, "block"),
        ("? bad", {}, {"toxicity": "block"}, "block"),
        ("de fine", {}, {"UNSUPPORTED_LANGUAGE": "flag"}, "flag"),
        ("de bad", {}, {"UNSUPPORTED_LANGUAGE": "flag", "toxicity": "flag"}, "flag"),
        ("de+en bad", {}, {"UNSUPPORTED_LANGUAGE": "flag", "toxicity": "block"}, "block"),
        ("en+de bad", {}, {"toxicity": "block"}, "block"),
        ("de bad", {"other": "allow"}, {"UNSUPPORTED_LANGUAGE": "allow", "toxicity": "allow"}, "allow"),
        ("de fine", {"other": "hold"}, {"UNSUPPORTED_LANGUAGE": "hold"}, "hold"),
        ("de bad", {"supported": ["de"]}, {"toxicity": "block"}, "block"),
        ("de Ann", {}, {"UNSUPPORTED_LANGUAGE": "flag", "NAME": "block"}, "block"),
    ],
)
def test_the_policy_decides_about_other_languages(text, languages, found, action):
    """An unknown language is a finding, and bounds what scores may do unless a part is in a known one."""
    judged = judge(text, **languages)
    assert {finding.label: finding.action for finding in judged.findings} == found
    assert judged.action == action


def test_the_language_is_in_the_judgement():
    """It is that of what others than the application wrote; the score is reported whatever the language."""
    judged = judge("de bad", Message(role="system", content="en you are helpful"))
    assert (judged.language, judged.scores["toxicity"]) == ("de", 0.9)
    assert judge("? bad").language is None


def test_the_finding_says_which_guard_and_how_sure():
    """The finding names the guard that cannot read the text and the confidence of the identification."""
    (finding,) = judge("de fine").findings
    assert (finding.guard, finding.kind, finding.score, finding.threshold) == ("toxicity", "match", 0.9, None)


def test_a_language_cannot_be_redacted():
    """A policy that would redact a language is refused."""
    with pytest.raises(ValueError, match="no span to redact"):
        Policy.model_validate({"id": "p", "version": 1, "languages": {"other": "redact"}})
