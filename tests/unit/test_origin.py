import pytest

from guards.exchange import Exchange
from guards.guard import Hit, Passage, Side
from guards.origin import with_origins
from guards.pipeline import Case, Pipeline
from guards.registry import GUARDS, Parts
from schemas.conversation import Message
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder

ECHOED = [
    ("PHONE_NUMBER", "call 020 7946 0958 today", "+44 20 7946 0958"),
    ("PHONE_NUMBER", "my number: (212) 555-0147", "212.555.0147x12"),
    ("CREDIT_CARD", "card 4111-1111-1111-1111", "4111 1111 1111 1111"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
    ("US_SSN", "ssn 536904399", "536-90-4399"),
    ("EMAIL_ADDRESS", "Write to Ann.Lee@Example.com", "ann.lee@example.com"),
    ("PERSON", "my friend Ann Maria Lee", "Lee, Ann"),
    ("PERSON", "I am José Núñez", "Jose Nunez"),
    ("PERSON", "ask ann lee", "Ann B. Lee"),
    ("STREET_ADDRESS", "14 Orchard Rd., Bristol BS1 4DJ", "14 Orchard Road\nBristol"),
    ("AGE", "I am 42", "42"),
    ("GITHUB_TOKEN", "my key is ghp_abcDEF0123456789", "ghp_abcDEF0123456789"),
]
LEAKED = [
    ("PHONE_NUMBER", "call 020 7946 0958 today", "020 7946 0959"),
    ("CREDIT_CARD", "card 4111-1111-1111-1111", "5500 0000 0000 0004"),
    ("EMAIL_ADDRESS", "Write to ann@example.com", "bob@example.com"),
    ("PERSON", "my friend Ann", "Ann Lee"),
    ("STREET_ADDRESS", "14 Orchard Road, Bristol", "15 Orchard Road, Bristol"),
    ("AGE", "I am 142", "42"),
    ("PERSON", "", "Ann Lee"),
]


def origin(label, given, value, role="user", context=()):
    passage = Passage(
        f"It is {value}.",
        Side.RESPONSE,
        "assistant",
        conversation=(Message(role=role, content=given),),
        context=context,
    )
    [hit] = with_origins(passage, [Hit(label, 0.9, 6, 6 + len(value))])
    return hit.origin


@pytest.mark.parametrize(("label", "given", "value"), ECHOED)
def test_what_the_user_gave_is_an_echo(label, given, value):
    """A value that the user gave is an echo, however it is written the second time."""
    assert origin(label, given, value) == "echo"


@pytest.mark.parametrize(("label", "given", "value"), LEAKED)
def test_what_nobody_gave_is_a_leak(label, given, value):
    """A value that stands nowhere in what was given is a leak, however alike."""
    assert origin(label, given, value) == "leak"


@pytest.mark.parametrize(
    ("role", "found"), [("user", "echo"), ("tool", "echo"), ("system", "leak"), ("assistant", "leak")]
)
def test_who_gives(role, found):
    """What the user and tools said may be repeated; the system's words and the model's own may not."""
    assert origin("PERSON", "Ann Lee", "Ann Lee", role=role) == found


def test_context_gives():
    """What stands in a context passage is an echo."""
    assert origin("PERSON", "who is it?", "Ann Lee", context=("The clerk is Ann Lee.",)) == "echo"


def test_nothing_to_compare_with():
    """A response without a conversation, and anything that is no response, has no origin."""
    hit = Hit("PERSON", 0.9, 0, 3)
    assert with_origins(Passage("Ann", Side.RESPONSE, "assistant"), [hit]) == (hit,)
    assert with_origins(Passage("Ann", Side.PROMPT, conversation=(Message(role="user", content="Ann"),)), [hit]) == (
        hit,
    )


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline([GUARDS["pii"](Parts(CountingEncoder(), None, None))], CountingEncoder())


def judged(pipeline, rule, response="Mail ann@example.com or bob@example.com."):
    policy = Policy.model_validate({"id": "p", "version": 1, "response": {"pii": rule}})
    exchange = Exchange(prompt=(Message(role="user", content="I am ann@example.com"),), response=response)
    return pipeline.judge([Case(exchange, policy)])[0].response


def test_a_policy_that_allows_echoes(pipeline):
    """With ``echo: allow`` the user's own data is found and left alone, and what leaks is acted on."""
    side = judged(pipeline, {"redact": 0.5, "echo": "allow"})
    assert [(f.origin, f.action) for f in side.findings] == [("echo", "allow"), ("leak", "redact")]
    assert side.action == "redact"
    assert side.text == "Mail <EMAIL_ADDRESS> or <EMAIL_ADDRESS>."


def test_a_policy_that_says_nothing_of_echoes(pipeline):
    """Without ``echo`` both are treated alike, and the finding still tells them apart."""
    side = judged(pipeline, {"redact": 0.5})
    assert [(f.origin, f.action) for f in side.findings] == [("echo", "redact"), ("leak", "redact")]


def test_an_echo_alone_changes_nothing(pipeline):
    """A response that only repeats the user's data is allowed."""
    assert judged(pipeline, {"block": 0.5, "echo": "allow"}, "So you are ann@example.com?").action == "allow"


@pytest.mark.parametrize(("side", "guard"), [("prompt", "pii"), ("response", "toxicity")])
def test_where_echo_has_no_meaning(side, guard):
    """``echo`` is refused where nothing can be an echo."""
    with pytest.raises(ValueError, match="echo is for pii and secrets"):
        Policy.model_validate({"id": "p", "version": 1, side: {guard: {"flag": 0.5, "echo": "allow"}}})
