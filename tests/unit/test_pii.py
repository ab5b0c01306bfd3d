"""Tables of what the PII guard finds, what it leaves alone, and how words nearby weigh."""

import socket

import pytest

from guards.guard import Passage, Side
from guards.pii import PiiGuard
from tests.fixtures.styles import bold, wide


@pytest.fixture(scope="module")
def guard():
    loaded = PiiGuard()
    loaded.load()
    return loaded


def found(guard, text, least=0.5):
    """(label, matched text) of every hit that scores at least ``least``."""
    [reading] = guard.read([Passage(text, Side.PROMPT)], {})
    return [(hit.label, text[hit.start : hit.end]) for hit in reading.hits if hit.score >= least]


POSITIVES = [
    ("EMAIL_ADDRESS", "write to {} today", "jane.doe+news@mail.example.com"),
    ("EMAIL_ADDRESS", "Schreib an {}, bitte", "jürgen@müller.de"),
    ("EMAIL_ADDRESS", "邮箱是{}。", "li@example.cn"),
    ("EMAIL_ADDRESS", "<{}>", "o'brien@example.ie"),
    ("EMAIL_ADDRESS", "write to {} today", wide("jane.doe@example.com")),
    ("EMAIL_ADDRESS", "write to {} today", bold("jane.doe@example.com")),
    ("EMAIL_ADDRESS", "internal: {}", "jane@mail.corp.local"),
    ("PHONE_NUMBER", "call {} now", "(212) 555-1234"),
    ("PHONE_NUMBER", "call {} now", "212-555-1234"),
    ("PHONE_NUMBER", "tel: {}", "2125551234"),
    ("PHONE_NUMBER", "at {} or so", "+1 415 555 2671"),
    ("PHONE_NUMBER", "on {}, ask for Ann", "+44 20 7946 0958"),
    ("PHONE_NUMBER", "on {}", "020 7946 0958"),
    ("PHONE_NUMBER", "joignable au {}", "06 12 34 56 78"),
    ("PHONE_NUMBER", "Tel. {}", "+49 (0)30 901820"),
    ("PHONE_NUMBER", "我的电话是{}", "+86 138 1234 5678"),
    ("PHONE_NUMBER", "هاتف {}", "٠٦١٢٣٤٥٦٧٨"),
    ("CREDIT_CARD", "pay with {}", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "pay with {}", "4111-1111-1111-1111"),
    ("CREDIT_CARD", "pay with {}", "4111\u20131111\u20131111\u20131111"),
    ("CREDIT_CARD", "ma carte : {}", "5500005555555559"),
    ("CREDIT_CARD", "amex {}", "378282246310005"),
    ("IBAN_CODE", "to {}", "DE89 3704 0044 0532 0130 00"),
    ("IBAN_CODE", "to {}", "GB82WEST12345698765432"),
    ("US_SSN", "her SSN is {}", "536-22-1234"),
    ("US_SSN", "SSN {}", "123-45-6789"),
    ("US_SSN", "social security number {}", "536221234"),
    ("US_ITIN", "ITIN: {}", "912-70-1234"),
    ("US_PASSPORT", "passport number {}", "A12345678"),
    ("US_DRIVER_LICENSE", "my driver's license is {}", "D1234567"),
    ("US_BANK_NUMBER", "checking account {}", "000123456789"),
    ("IP_ADDRESS", "from {} at noon", "203.0.113.77"),
    ("IP_ADDRESS", "from {} at noon", "2001:db8::ff00:42:8329"),
    ("MAC_ADDRESS", "device {}", "00:1B:44:11:3A:B7"),
    ("MAC_ADDRESS", "device {}", "001b.4411.3ab7"),
    ("CRYPTO", "send it to {}", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("UK_NHS", "NHS number {}", "943 476 5919"),
    ("UK_NINO", "national insurance number {}", "AB 12 34 56 C"),
    ("ES_NIF", "mi DNI es {}", "12345678Z"),
    ("ES_NIE", "NIE {}", "X1234567L"),
    ("IT_FISCAL_CODE", "codice fiscale {}", "RSSMRA85T10A562S"),
    ("DE_TAX_ID", "Steuer-ID {}", "86095742719"),
    ("PL_PESEL", "PESEL {}", "44051401359"),
    ("FI_PERSONAL_IDENTITY_CODE", "henkilötunnus {}", "131052-308T"),
    ("CA_SIN", "my SIN is {}", "130 692 544"),
    ("AU_TFN", "tax file number {}", "876 543 210"),
    ("IN_AADHAAR", "Aadhaar {}", "3124 1234 5670"),
]

NEGATIVES = [
    "",
    "   \n\t",
    "The meeting is on 2024-11-23 at 10:30, room 212, floor 5.",
    "on 03/04/2024 or 3.4.2024 or 2024-11-23T10:11:12.123Z",
    "order 1234567890, invoice 2024-000123, SKU 88-1234",
    "pi is 3.14159265358979, e is 2.718281828",
    "4111 1111 1111 1112",
    "version 1.2.3.4 of the build",
    "listen on 127.0.0.1 or 0.0.0.0",
    "git clone git@github.com:org/repo.git",
    "pip install numpy@1.26.4",
    "@property\ndef name(self): ...",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "MIT license v2, H2O, B12, A4 paper",
    "std::vector<int>::iterator it; a::b",
    "the ratio is 1:2:3 and the score 10-12-8",
    "UNIX time 1700000000 and 1700000000000",
    "Le 23 novembre 2024, 1 234 567 habitants.",
    "我在2024年买了3本书",
    "<EMAIL_ADDRESS> and <PHONE_NUMBER>",
]


@pytest.mark.parametrize(("label", "frame", "value"), POSITIVES)
def test_finds(guard, label, frame, value):
    """Each kind of personal data is found with its exact span, in several scripts."""
    assert (label, value) in found(guard, frame.format(value))


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_alone(guard, text):
    """What only resembles personal data scores less than one half."""
    assert found(guard, text) == []


def test_bare_digits_are_weak_without_context(guard):
    """Ten digits in a row may be anything: reported below one half, above it beside a word for telephones."""
    assert found(guard, "number 2125551234") == []
    assert found(guard, "number 2125551234", least=0.3) == [("PHONE_NUMBER", "2125551234")]
    assert found(guard, "mobile 2125551234") == [("PHONE_NUMBER", "2125551234")]


def test_context_begins_a_word(guard):
    """Context is a word, not letters inside another: "tin" does not count in "meeting"."""
    assert found(guard, "tin 912701234") == [("US_ITIN", "912701234")]
    assert ("US_ITIN", "912701234") not in found(guard, "meeting 912701234")


def test_context_far_away_does_not_count(guard):
    """A word counts near the hit only."""
    assert found(guard, "passport" + " x" * 100 + " A12345678") == []


def test_one_hit_a_number(guard):
    """A number that several recognisers know is reported once, as the likeliest."""
    assert found(guard, "card 4111 1111 1111 1111", least=0) == [("CREDIT_CARD", "4111 1111 1111 1111")]


@pytest.mark.parametrize("before", ["\ud83d", "😀😀", "\x00", "שלום ", "e\u0301", "\U0010ffff", "\uff21\uff22 "])
def test_offsets_are_code_points_of_the_original(guard, before):
    """Whatever stands before a hit, its span cuts it out of the original text."""
    text = before + " jane@example.com \udfff 203.0.113.77"
    assert found(guard, text) == [("EMAIL_ADDRESS", "jane@example.com"), ("IP_ADDRESS", "203.0.113.77")]


def test_a_batch_reads_like_its_texts(guard):
    """Reading many passages at once gives what reading each alone gives."""
    passages = [Passage(frame.format(value), Side.RESPONSE) for _, frame, value in POSITIVES]
    assert list(guard.read(passages, {})) == [guard.read([passage], {})[0] for passage in passages]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 1_000_000,
        "😀" * 10_000,
        "\x00" * 100_000,
        "\ud800" * 100_000,
        "@" * 100_000,
        "." * 100_000,
        "a." * 50_000 + "@a",
        "1 " * 50_000,
        "a:" * 50_000,
        "+1" * 50_000,
    ],
)
def test_odd_texts_are_read(guard, text):
    """Huge, monotonous and broken texts are read to the end, and nothing is found in them."""
    assert found(guard, text) == []


def test_the_end_of_a_long_text_is_read(guard):
    """A hit behind 100,000 code points is found."""
    text = "lorem ipsum " * 10_000 + "jane@example.com"
    assert found(guard, text) == [("EMAIL_ADDRESS", "jane@example.com")]


def test_loading_and_reading_open_no_socket(monkeypatch):
    """The guard works on a machine without a network: no list is fetched, no name resolved."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    offline = PiiGuard()
    offline.load()
    assert found(offline, "jane@example.com, +44 20 7946 0958") == [
        ("EMAIL_ADDRESS", "jane@example.com"),
        ("PHONE_NUMBER", "+44 20 7946 0958"),
    ]


def test_every_side_and_role(guard):
    """The guard applies to every passage and needs no encoder."""
    passages = [Passage("x", side, role) for side in Side for role in ("user", "system", "assistant", "tool")]
    assert all(guard.applies(passage) and not guard.needs(passage) for passage in passages)


def test_unloaded_guard_says_so():
    """Reading before loading is a bug, not an empty reading."""
    with pytest.raises(RuntimeError, match="not loaded"):
        PiiGuard().read([Passage("jane@example.com", Side.PROMPT)], {})
