import pytest

from schemas.codec import Outgoing, parse_json
from schemas.errors import Code, UnreadableError
from schemas.topics import Namespace
from streams.rollout.message import Said, read_said, write_said
from tests.fixtures.policies import policy, received, release

SAID = Said("shop", release(policy(2), history=(policy(1),)))
NAMES = Namespace("t")


def test_what_is_said_is_read():
    """A release is read as it was written, with or without an envelope, and so is its end."""
    out = write_said(SAID, NAMES)
    assert read_said(received(out)) == SAID
    assert read_said(received(Outgoing(out.key, out.value))) == SAID
    assert read_said(received(write_said(Said("shop", None), NAMES))) == Said("shop", None)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (b"shop", b"", Code.EMPTY_MESSAGE),
        (b"shop", b"{", Code.MALFORMED_JSON),
        (b"shop", b"\xff\x00", Code.MALFORMED_JSON),
        (b"shop", b"[]", Code.WRONG_TYPE),
        (b"shop", b"[" * 100_000, Code.MALFORMED_JSON),
        (b"shop", b"{}", Code.MISSING_FIELD),
        (b"bank", None, Code.INVALID_FIELD),
        (b"\xff", None, Code.INVALID_FIELD),
        (b"", None, Code.MISSING_FIELD),
        (None, None, Code.MISSING_FIELD),
    ],
)  # fmt: skip
def test_what_is_no_release_is_refused(key, value, code):
    """Bytes that are no release of the key's policy are refused with a code."""
    good = write_said(SAID, NAMES)
    with pytest.raises(UnreadableError) as caught:
        read_said(received(Outgoing(key, good.value if value is None else value)))
    assert caught.value.code is code


def test_an_unknown_key_in_a_policy_is_refused():
    """A rule that this release of Weir does not know is not ignored: the policy would be another one."""
    body = write_said(SAID, NAMES).value.replace(b'"block":', b'"blok":')
    assert parse_json(body)
    with pytest.raises(UnreadableError) as caught:
        read_said(received(Outgoing(b"shop", body)))
    assert caught.value.code is Code.INVALID_FIELD
