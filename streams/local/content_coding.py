"""HTTP content codings that ClickHouse's clients use: gzip, deflate, zstd, lz4."""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import lz4.frame  # type: ignore[import-untyped]  # publishes no types
import zstandard


class Encoder(Protocol):
    """Compresses a body piece by piece."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Lz4Encoder:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._head: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        head, self._head = self._head, b""
        body: bytes = self._frame.compress(data)
        return head + body

    def flush(self) -> bytes:
        tail: bytes = self._frame.flush()
        return self._head + tail


# In the order of preference: loopback wants speed.
_ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {
    "lz4": _Lz4Encoder,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=31),  # 31: zlib's sign for a gzip frame
    "deflate": lambda: zlib.compressobj(1),
}


def choose_encoder(accepted: str) -> tuple[str, Encoder] | None:
    """The coding to answer with, for an Accept-Encoding header; None: as it is."""
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",")}
    for name, make in _ENCODERS.items():
        if name in offered:
            return name, make()
    return None


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_DECODERS: Final[dict[str, Callable[[], _Decoder]]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": lambda: zlib.decompressobj(wbits=15),
}
_PIECE = 64 * 1024


def decode_body(body: bytes, coding: str, limit: int) -> bytes:
    """``body`` without its Content-Encoding: at most ``limit`` bytes, complete.

    Raises:
        ValueError: the coding is unknown, or the body is broken, cut short or larger than ``limit``.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    make = _DECODERS.get(coding)
    if make is None:
        raise ValueError("unknown Content-Encoding")
    plain = bytearray()
    try:
        decoder = make()
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            while piece:  # a body may be several frames
                if decoder.eof:
                    decoder = make()
                plain += decoder.decompress(piece)
                piece = decoder.unused_data if decoder.eof else b""
            if len(plain) > limit:
                raise ValueError(f"the body is larger than {limit} bytes")
    except (zlib.error, zstandard.ZstdError, RuntimeError, EOFError):
        raise ValueError(f"the body is not {coding}") from None
    if body and not decoder.eof:
        raise ValueError("the body is cut short")
    return bytes(plain)
