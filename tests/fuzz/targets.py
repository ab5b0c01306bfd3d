"""What is fuzzed: each target takes any bytes, and either does its work or refuses them by a named error."""

import json
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from guards.guard import Passage, Side
from guards.masking import mask
from guards.registry import GUARDS, Parts
from models.catalog import find_entry
from models.windows import CONTENT_TOKENS, WindowTokenizer
from schemas.codec import Message, decode
from schemas.conversation import Interaction, Request
from schemas.errors import ConfigError, UnreadableError
from schemas.policy_file import parse_policy
from schemas.verdict import Verdict
from streams.local.query_request import read_request
from streams.local.statement import RefusedError
from streams.settings import load_settings

Target = Callable[[bytes], None]

_THEN = datetime(2026, 11, 27, tzinfo=UTC)
_RECORDS = ((Request, "request"), (Interaction, "interaction"), (Verdict, "verdict"))


def codec(data: bytes) -> None:
    """A message: the first line is its headers, a JSON object where it can be read so; the rest is its value."""
    head, _, value = data.partition(b"\n")
    pairs = ()
    with suppress(ValueError, RecursionError):
        found = json.loads(head)
        if isinstance(found, dict):
            pairs = tuple((str(name), str(text).encode("utf-8", "replace")) for name, text in found.items())
    for record, name in _RECORDS:
        message = Message(f"weir.{name}s", 0, 1, _THEN, head[:20], value, pairs)
        with suppress(UnreadableError):
            decode(message, record, name)


def policy(data: bytes) -> None:
    """A policy's file."""
    with suppress(ConfigError):
        parse_policy(data.decode("utf-8", "replace"), "policy.yaml")


def front(data: bytes) -> None:
    """A request to the store's HTTP interface: URL, headers and body, a line each at first."""
    url, _, rest = data.partition(b"\n")
    head, _, body = rest.partition(b"\n")
    names = ("content-type", "content-encoding", "x-clickhouse-format")
    headers = dict(zip(names, head.decode("latin-1").split("|"), strict=False))
    query = parse_qsl(url.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    for method in ("GET", "POST"):
        with suppress(RefusedError):
            read_request(method, query, headers, body)


def masking() -> Target:
    """The patterns for personal data and secrets over a text, and the mask of what they found."""
    guards = [GUARDS["secrets"](Parts(None, None, None)), GUARDS["pii"](Parts(None, None, None))]  # type: ignore[arg-type]  # patterns ask no model

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "surrogatepass" if data.isascii() else "replace")
        for guard in guards:
            (reading,) = guard.read([Passage(text, Side.PROMPT)], {})
            assert all(0 <= hit.start <= hit.end <= len(text) and 0 <= hit.score <= 1 for hit in reading.hits)
            mask(text, reading.hits)

    return read


def windows() -> Target:
    """The encoder's windows of a text: whatever it is, all of it is read, in windows that the model can take."""
    entry = find_entry("minilm-l6")
    cutter = WindowTokenizer(load_settings().models_directory / f"{entry.name}-{entry.version}" / "tokenizer.json")
    cutter.load()

    def cut(data: bytes) -> None:
        text = data.decode("utf-8", "replace" if len(data) % 2 else "surrogateescape")
        found = cutter.cut(text)
        covered = bytearray(len(text))
        for start, end in found.spans:
            assert 0 <= start < end <= len(text)
            covered[start:end] = b"\1" * (end - start)
        # What is no token (spaces, control characters, marks, the sign for what could not be read) may be left out.
        left_out = (sign for at, sign in enumerate(text) if not covered[at])
        assert all(sign == "\ufffd" or unicodedata.category(sign)[0] in "CZM" for sign in left_out)
        assert all(3 <= len(window) <= CONTENT_TOKENS + 2 for window in found.tokens)

    return cut


TARGETS: Mapping[str, Callable[[], Target]] = {
    "codec": lambda: codec,
    "policy": lambda: policy,
    "front": lambda: front,
    "masking": masking,
    "windows": windows,
}
