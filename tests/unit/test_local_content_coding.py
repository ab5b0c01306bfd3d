"""Content codings: what one side writes the other reads, and nothing half."""

import gzip
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streams.local.content_coding import choose_encoder, decode_body

ENCODE = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress, "lz4": lz4.frame.compress}
LIMIT = 1 << 20


@given(st.lists(st.binary(), max_size=5), st.sampled_from(sorted(ENCODE)))
def test_round_trip(pieces, coding):
    """What is encoded piece by piece decodes to the whole."""
    name, encoder = choose_encoder(f"br, {coding};q=0.5")
    body = b"".join([*(encoder.compress(piece) for piece in pieces), encoder.flush()])
    assert name == coding
    assert decode_body(body, coding, LIMIT) == b"".join(pieces)


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_frames_are_joined(coding):
    """A body of several frames is one."""
    assert decode_body(ENCODE[coding](b"a" * 1000) + ENCODE[coding](b"b"), coding, LIMIT) == b"a" * 1000 + b"b"


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_broken_short_and_large_bodies(coding):
    """A body that is broken, cut short or too large is refused."""
    body = ENCODE[coding](bytes(range(256)) * 100)
    for wrong, limit in [(b"\x00" + body, LIMIT), (body[:-5], LIMIT), (body, 1000)]:
        with pytest.raises(ValueError, match="body"):
            decode_body(wrong, coding, limit)


def test_unknown_and_absent_codings():
    """No coding leaves a body alone; an unknown one is refused."""
    assert decode_body(b"x", "", LIMIT) == b"x"
    assert choose_encoder("br, identity") is None
    with pytest.raises(ValueError, match="unknown"):
        decode_body(b"x", "br", LIMIT)
