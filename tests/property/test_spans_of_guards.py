"""Any text at all can be read by the pattern guards, and what they find can be masked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guards.guard import Passage, Side
from guards.masking import mask
from guards.pii import PiiGuard, phone
from guards.secrets import SecretsGuard

FRAGMENTS = [
    *("jane@example.com", "+44 20 7946 0958", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "536-22-1234"),
    *("203.0.113.77", "::1", "RSSMRA85T10A562\u212a", "12345678Z", "passport", "ssn", "password=", "Tr0ub4dor&3"),
    *(
        "https://bob:",
        "hunter22@",
        "x.io",
        "api_key: ",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "sk-",
        "\ud83d",
        "\udc00",
    ),
]
TEXTS = st.lists(
    st.sampled_from(FRAGMENTS)
    | st.text(st.characters(exclude_categories=()), max_size=6)
    | st.from_regex(r"[\d .+:-]{,9}"),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def guards():
    loaded = [PiiGuard(), SecretsGuard()]
    for guard in loaded:
        guard.load()
    return loaded


@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_hits_lie_within_any_text(guards, text):
    """No text raises; hits are ordered, not empty, inside the text, and scored from 0 to 1."""
    for guard in guards:
        [reading] = guard.read([Passage(text, Side.PROMPT)], {})
        assert list(reading.hits) == sorted(reading.hits, key=lambda hit: hit.start)
        assert all(0 <= hit.start < hit.end <= len(text) and 0 < hit.score <= 1 for hit in reading.hits)


@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_masking_leaves_no_address(guards, text):
    """Where a guard was sure, its mask leaves nothing of what it saw there."""
    [reading] = guards[0].read([Passage(text, Side.PROMPT)], {})
    sure = [hit for hit in reading.hits if hit.label == "EMAIL_ADDRESS"]
    masked = mask(text, sure)
    assert masked.count("<EMAIL_ADDRESS>") == len(sure)
    assert len(masked) == len(text) + sum(len("<EMAIL_ADDRESS>") - (hit.end - hit.start) for hit in sure)


@pytest.mark.parametrize("unit", ["1 ", "0 ", "001 ", "+1 2", "2125551234 ", "07700 900123 ", "(1"])
def test_telephone_checks_grow_with_the_text(monkeypatch, unit):
    """The dear check of a number runs at most once in seven code points, whatever the text."""
    checks = []
    is_valid = phone._is_valid
    monkeypatch.setattr(phone, "_is_valid", lambda *number: checks.append(number) or is_valid(*number))
    text = (unit * 10_000)[:10_000]
    assert sum(1 for _ in phone.find_numbers(text, ("US", "GB", "FR"))) <= len(text) / 7
    assert len(checks) <= len(text) / 7
