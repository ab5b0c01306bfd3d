"""What is answered beyond the committed offset, as a note beside that offset.

Answers do not come in the order of their requests. The offset that is committed stands before the first that is not
answered; the note says which ones behind it are, so that whoever reads on from there leaves them out.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

SPAN: Final = 16_384
"""Offsets that a note covers at most. Brokers take 4,096 characters: 3 for every 16 offsets, and the mark."""

_MARK: Final = "answered:"


def write_note(base: int, answered: Iterable[int]) -> str:
    """The note beside the offset ``base``; empty where nothing is answered beyond it."""
    bits = bytearray()
    for offset in answered:
        place, bit = divmod(offset - base, 8)
        bits.extend(bytes(max(0, place + 1 - len(bits))))
        bits[place] |= 1 << bit
    return _MARK + b64encode(bits).decode() if bits else ""


def read_note(base: int, note: str | None) -> frozenset[int]:
    """The offsets that a note names; none where it is no note of ours."""
    if note is None or not note.startswith(_MARK):
        return frozenset()
    try:
        bits = b64decode(note.removeprefix(_MARK), validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    return frozenset(base + 8 * place + bit for place, byte in enumerate(bits) for bit in range(8) if byte & 1 << bit)
