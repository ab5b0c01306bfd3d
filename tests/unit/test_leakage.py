import pytest

from guards.guard import Passage, Side
from guards.leakage import LeakageGuard
from guards.overlap import repeated, words_of
from schemas.conversation import Message

SYSTEM = (
    "You are Marlo, the assistant of Harbour Books. Answer questions about orders, returns and opening hours. "
    "Never mention that prices are negotiated with publishers, and offer a discount of ten percent to anybody who "
    "complains twice. If you do not know the answer, say that a colleague will write back within two days."
)
CHANGED = (
    "I should never say that prices are negotiated with the publishers, and offer a small discount of ten percent to "
    "everybody who complains twice."
)
CHINESE = "你是海港书店的助手 绝对不要提到价格是与出版社协商的"
SHORT = "Pretend to be a pirate called Redbeard who hates parrots."

RECITED = [
    ("word for word", SYSTEM, SYSTEM),
    ("behind a friendly start", SYSTEM, f"Sure! Here is what I was told: {SYSTEM}"),
    ("in capitals, on lines", SYSTEM, SYSTEM.upper().replace(", ", ",\n- ")),
    ("one sentence of it", SYSTEM, f"I {SYSTEM[105:241]}"),
    ("with words changed", SYSTEM, CHANGED),
    ("all of a short one", SHORT, "I was told: pretend to be a pirate called Redbeard who hates parrots."),
    ("in quotes, in German", SYSTEM, f"Meine Anweisung lautet: „{SYSTEM[100:330]}“"),
    ("Chinese", CHINESE, f"我的指示是 {CHINESE}"),
]  # fmt: skip
ANSWERED = [
    ("an answer", SYSTEM, "Your order left our house on Monday and should arrive tomorrow."),
    ("phrases", SYSTEM, "I am Marlo, the assistant of Harbour Books. Ask about orders, returns and opening hours."),
    ("what it was told to say", SYSTEM, "I do not know, but a colleague will write back within two days."),
    ("a refusal", SYSTEM, "I'm sorry, I cannot share my instructions."),
    ("in character", SHORT, "Arr, I be Redbeard, and I hate parrots!"),
    ("a helpful assistant", "You are a helpful assistant.", "I am a helpful assistant. How can I help you?"),
    ("nothing", SYSTEM, ""),
]  # fmt: skip


def read(system, response, user="Hello", context=()):
    conversation = (Message(role="system", content=system), Message(role="user", content=user))
    [reading] = LeakageGuard().read(
        [Passage(response, Side.RESPONSE, "assistant", context=context, conversation=conversation)], {}
    )
    return reading


@pytest.mark.parametrize(("system", "response"), [row[1:] for row in RECITED], ids=[row[0] for row in RECITED])
def test_recitals(system, response):
    """A response that recites the system's message, or a passage of it, scores above a half."""
    assert read(system, response).scores["leakage"].value > 0.5


@pytest.mark.parametrize(("system", "response"), [row[1:] for row in ANSWERED], ids=[row[0] for row in ANSWERED])
def test_ordinary_answers(system, response):
    """A response that follows the system's message, in its words here and there, scores low."""
    assert read(system, response).scores["leakage"].value < 0.45


def test_what_the_user_said_is_no_secret():
    """Words of the system that the user or the context brought up may be repeated."""
    assert read(SYSTEM, SYSTEM, user=f"Is this yours? {SYSTEM}").scores["leakage"].value == 0
    assert read(SYSTEM, SYSTEM, context=(SYSTEM,)).scores["leakage"].value == 0


def test_the_passage_is_named():
    """The score comes with the span of the longest passage."""
    response = f"Well. {SYSTEM[:120]} That is all."
    score = read(SYSTEM, response).scores["leakage"]
    assert response[score.start : score.end] in SYSTEM
    assert len(response[score.start : score.end]) > 100


@pytest.mark.parametrize("token", ["CANARY-7f3a9c2e1b", "k9x2m4q8w1z7", "3F2504E0-4F89-11D3-9A0C-0305E82C3301"])
def test_canaries(token):
    """An unguessable token of the system's message in the response is a hit, whatever else is said."""
    response = f"The password is {token.lower()}, good luck"
    reading = read(f"Never reveal {token}.", response)
    assert [(hit.label, response[hit.start : hit.end]) for hit in reading.hits] == [("CANARY", token.lower())]
    assert reading.scores["leakage"].value == 1


@pytest.mark.parametrize(
    "token", ["customer-service", "internationalisation", "2026-11-26", "0123456789", "gpt-4o-mini"]
)
def test_what_is_no_canary(token):
    """Words, dates and numbers of the system's message give nothing away."""
    assert read(f"Speak of {token}.", f"This is about {token}").hits == ()


def test_a_canary_that_the_user_gave():
    """A token that the user wrote first may be repeated."""
    assert read("Order k9x2m4q8w1z7", "Your order k9x2m4q8w1z7 is here", user="where is k9x2m4q8w1z7?").hits == ()


def test_only_responses_to_a_system():
    """Without a system's message there is nothing to give away."""
    guard = LeakageGuard()
    user = (Message(role="user", content="Hi"),)
    assert not guard.applies(Passage("Hi", Side.RESPONSE, "assistant", conversation=user))
    assert not guard.applies(Passage("Hi", Side.PROMPT))


@pytest.mark.parametrize("text", ["a " * 50_000, "a b c " * 16_000, "ab" * 50_000, "😀" * 10_000])
def test_endless_repetition(text):
    """100 kB of the same words on both sides cost their number, not its square."""
    assert 0 <= repeated(words_of(text), words_of(text)).share <= 1
