"""The parameters of a request, as OpenAI's clients send them."""

import pytest

from schemas.codec import validate
from schemas.conversation import Request
from schemas.errors import Code, UnreadableError


def request(**parameters):
    body = {"app": "a", "messages": [{"role": "user", "content": "Hi"}], "parameters": parameters}
    return validate(body, Request)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "max_tokens": 6}, {"max_tokens": 6}),
        ({"n": 1, "seed": 3, "temperature": 0.5, "top_p": 0.9}, {"n": 1, "seed": 3, "temperature": 0.5, "top_p": 0.9}),
        ({"stop": None}, {}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
    ],
)
def test_what_is_known_is_kept(given, kept):
    """Both ways to write a parameter mean the same."""
    parameters = request(**given).parameters
    assert parameters.model_dump(exclude_none=True) == kept


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"frequency_penalty": 0.5}, "frequency_penalty is not supported"),
        ({"Canary text 4711": 1, "tools": []}, "tools is not supported"),
        ({"Canary text 4711": 1}, "one of them is not supported"),
    ],
)
def test_what_is_not_known_is_refused_by_name(given, told):
    """A name is told, and a key that is none is not repeated."""
    with pytest.raises(UnreadableError) as caught:
        request(**given)
    assert (caught.value.code, caught.value.field) == (Code.INVALID_FIELD, "parameters")
    assert told in caught.value.message


@pytest.mark.parametrize(
    "given",
    [
        {"n": 2}, {"temperature": 3}, {"top_p": 0}, {"max_tokens": 0}, {"stop": ["x"] * 17},
        {"response_format": {"type": "json_schema", "json_schema": {"description": "canary"}}},
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused(given):
    """The field at fault is named."""
    with pytest.raises(UnreadableError) as caught:
        request(**given)
    assert caught.value.field.startswith(f"parameters.{next(iter(given))}")


def test_what_is_absent_is_not_written():
    """A process of an older version refuses names that it does not know: it reads only those that were said."""
    assert request(seed=3).to_json()["parameters"] == {"seed": 3}
    assert request().model_dump(mode="json")["parameters"] == {}
