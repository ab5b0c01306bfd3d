from dataclasses import replace

import pytest

from guards.exchange import Exchange
from guards.pii.checksums import luhn, mod97, verhoeff
from guards.pipeline import Case
from guards.registry import build_pipeline
from models.bundle import load_bundle
from schemas.conversation import Message
from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.policy_file import parse_policy
from streams.judging.loading import parts_of
from tests.fixtures.guards import CountingEncoder

HEAD = "id: p\nversion: 1\nprompt:\n  pii: {redact: 0.5}\n"


@pytest.fixture(scope="module")
def pipeline(models_dir):
    return build_pipeline(replace(parts_of(load_bundle(models_dir)), encoder=CountingEncoder(), tagger=None))


def found(pipeline, yaml, text):
    policy = parse_policy(HEAD + yaml, "p.yaml")
    judgement = pipeline.judge([Case(Exchange(prompt=(Message(role="user", content=text),)), policy)])[0]
    spans = [f for f in judgement.prompt.findings if f.guard == "pii"]
    return [(f.label, text[f.start : f.end], f.score) for f in spans]


OWN = r"""
recognizers:
  - name: CUSTOMER_NUMBER
    patterns: ['\bK-\d{6}\b']
    score: 0.4
    context: [kunde, customer]
  - name: LOYALTY_CARD
    patterns: ['\b\d{4} ?\d{4} ?\d{4}\b']
    score: 0.8
    checksum: luhn
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer K-123456 called", [("CUSTOMER_NUMBER", "K-123456", 0.9)]),
        ("the motor K-123456 is broken", []),  # 0.4 without a word nearby
        ("my points: 4992 7398 7168", [("LOYALTY_CARD", "4992 7398 7168", 0.8)]),
        ("my points: 4992 7398 7169", []),
        ("Kunde K-١٢٣٤٥٦ 😀", [("CUSTOMER_NUMBER", "K-١٢٣٤٥٦", 0.9)]),
    ],
)
def test_kinds_of_ones_own(pipeline, text, expected):
    """A policy's patterns are found with the scores it gives, by words nearby and check digits."""
    assert found(pipeline, OWN, text) == expected


def test_other_policies_do_not_get_them(pipeline):
    """A recogniser is its policy's alone, in the same batch too."""
    texts = (Message(role="user", content="customer K-123456"),)
    policies = parse_policy(HEAD + OWN, "p.yaml"), parse_policy(HEAD, "q.yaml")
    judged = pipeline.judge([Case(Exchange(prompt=texts), policy) for policy in policies])
    labels = [[f.label for f in judgement.prompt.findings if f.guard == "pii"] for judgement in judged]
    assert labels == [["CUSTOMER_NUMBER"], []]


@pytest.mark.parametrize(
    ("yaml", "labels"),
    [
        ("", {"US_SSN", "UK_NINO"}),
        ("locales: [us]", {"US_SSN"}),
        ("locales: [gb]", {"UK_NINO"}),
        ("locales: [fr]", set()),
    ],
)
def test_numbers_of_chosen_countries(pipeline, yaml, labels):
    """With locales, numbers of other countries are no personal data; what has no country is found anyway."""
    text = "ssn 536-90-4399, national insurance AB 12 34 56 C, mail ann@example.com"
    assert {label for label, _, _ in found(pipeline, yaml, text)} == {*labels, "EMAIL_ADDRESS"}


@pytest.mark.parametrize(("yaml", "count"), [("", 0), ("locales: [de]", 1)])
def test_telephone_numbers_of_chosen_countries(pipeline, yaml, count):
    """National numbers are read as those of the chosen countries."""
    labels = [label for label, _, _ in found(pipeline, yaml, "Telefon: 030 901820")]
    assert labels.count("PHONE_NUMBER") == count


@pytest.mark.parametrize(
    ("yaml", "line", "problem"),
    [
        ("recognizers:\n  - name: A_B\n    patterns: ['(']\n", 7, "RE2 does not take"),
        ("recognizers:\n  - name: A_B\n    patterns: ['x*']\n", 7, "matches nothing at all"),
        ("recognizers:\n  - name: A_B\n    patterns: ['(?<=a)b']\n", 7, "RE2 does not take"),
        ("recognizers:\n  - name: A_B\n    patterns: [x]\n    contexts: [a]\n", 8, "did you mean context"),
        ("recognizers:\n  - name: lower\n    patterns: [x]\n", 6, "pattern"),
        ("recognizers:\n  - name: A_B\n    patterns: [x]\n    checksum: crc\n", 8, "luhn"),
        ("locales: [usa]\n", 5, "pattern"),
        ("canaries: [short]\n", 5, "at least 8"),
    ],
)
def test_faults_are_named_by_line(yaml, line, problem):
    """What cannot be used is refused with file, line and reason."""
    with pytest.raises(ConfigError) as caught:
        parse_policy(HEAD + yaml, "p.yaml")
    assert f"p.yaml:{line}:" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", "(.*a){20}c", "([a-zA-Z]+)*z"])
def test_hostile_patterns_end(pipeline, pattern):
    """Patterns that hang a backtracking matcher for ever take 100 kB of "a" in their stride."""
    yaml = f"recognizers:\n  - name: A_B\n    patterns: ['{pattern}']\n"
    assert isinstance(found(pipeline, yaml, "a" * 99_000 + "!"), list)


def test_a_pattern_that_grows_too_large_is_refused():
    """Counted repetitions that unfold to megabytes are refused before they are used."""
    with pytest.raises(ConfigError, match="RE2 does not take"):
        parse_policy(HEAD + "recognizers:\n  - name: A_B\n    patterns: ['((a{100}){100}){100}']\n", "p.yaml")


def test_canaries_of_a_policy(pipeline):
    """A token that the policy lists is a hit in any response, whatever the case, unless the user wrote it."""
    policy = Policy.model_validate(
        {"id": "p", "version": 1, "canaries": ["Blue Walrus 42"], "response": {"leakage": {"block": 0.9}}}
    )

    def action(prompt, response):
        exchange = Exchange(prompt=(Message(role="user", content=prompt),), response=response)
        return pipeline.judge([Case(exchange, policy)])[0].action

    assert action("tell me a secret", "It is BLUE WALRUS 42.") == "block"
    assert action("tell me a secret", "I have none.") == "allow"
    assert action("is it Blue Walrus 42?", "No, blue walrus 42 is wrong") == "allow"


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (luhn, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (mod97, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
        (verhoeff, "2363", "2364"),
    ],
)
def test_check_digits(check, right, wrong):
    """Each check accepts a published example and refuses its neighbour."""
    assert check(right)
    assert not check(wrong)
    assert not check("")
