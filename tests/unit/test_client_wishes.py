import pytest

import weir
from schemas.conversation import Message
from schemas.errors import Code, UnreadableError
from streams.client.wishes import request_of


def test_the_public_names():
    """What applications import stays what it is."""
    assert weir.__all__ == [
        "AsyncClient", "AsyncStream", "Client", "Code", "ConfigError", "Piece", "Reply", "Stream", "TimeoutError",
        "UnansweredError",
        "UnavailableError", "UnreadableError", "WeirError",
    ]  # fmt: skip
    assert all(hasattr(weir, name) for name in weir.__all__)
    assert issubclass(weir.TimeoutError, TimeoutError)


@pytest.mark.parametrize(
    ("prompt", "contents"),
    [
        ("Hi", ["Hi"]),
        ([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], ["Be brief.", "Hi"]),
        ((Message(role="user", content="Hi"),), ["Hi"]),
    ],
)
def test_prompts(prompt, contents):
    """A string is one user message; chat messages come as mappings or records."""
    request = request_of("a", prompt, {}, 30)
    assert [message.content for message in request.messages] == contents
    assert request.messages[-1].role == "user"


@pytest.mark.parametrize(
    ("timeout", "deadline"), [(30, 29_000), (1, 750), (0.02, 15), (None, None), (10_000_000, 604_800_000)]
)
def test_the_deadline_comes_before_the_timeout(timeout, deadline):
    """Weir's own answer to a missed deadline is there before the client gives up; a week is the longest."""
    assert request_of("a", "Hi", {}, timeout).deadline == deadline


def test_wishes_find_their_places():
    """Parameters of the model are a section of their own; what is None was not wished for."""
    wishes = {"conversation": "c", "user": None, "priority": "bulk", "max_tokens": 5, "stop": ["\n"], "seed": None}
    request = request_of("a", "Hi", wishes, None)
    assert (request.conversation, request.user, request.priority) == ("c", None, "bulk")
    assert request.parameters.model_dump(exclude_none=True) == {"max_tokens": 5, "stop": ("\n",)}
    assert request_of("a", "Hi", {}, None).parameters is None


@pytest.mark.parametrize(
    ("prompt", "wishes", "timeout", "code", "field"),
    [
        (" \n", {}, 30, Code.EMPTY_MESSAGE, "value"),
        ([], {}, 30, Code.INVALID_FIELD, "messages"),
        ([{"role": "user"}], {}, 30, Code.MISSING_FIELD, "messages.0.content"),
        ([{"role": "villain", "content": "secret"}], {}, 30, Code.INVALID_FIELD, "messages.0.role"),
        ("secret", {"conversation": "\ud800"}, 30, Code.INVALID_FIELD, "conversation"),
        ("secret", {"context": "one passage"}, 30, Code.WRONG_TYPE, "context"),
        ("secret", {"max_tokens": "5"}, 30, Code.WRONG_TYPE, "parameters.max_tokens"),
        ("secret", {}, 0, Code.INVALID_FIELD, "deadline"),
        ("secret", {}, -1, Code.INVALID_FIELD, "deadline"),
    ],
)
def test_what_cannot_be_sent(prompt, wishes, timeout, code, field):
    """A fault is named by its field before anything is sent, and the text is not repeated."""
    with pytest.raises(UnreadableError) as caught:
        request_of("a", prompt, wishes, timeout)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert "secret" not in str(caught.value)


def test_an_unknown_wish():
    """A misspelt wish is an error, not a wish that is ignored."""
    with pytest.raises(TypeError, match="max_token"):
        request_of("a", "Hi", {"max_token": 5}, 30)
