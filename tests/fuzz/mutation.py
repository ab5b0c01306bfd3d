"""Inputs made of seeds by small changes: a function of the random source alone."""

import random
from collections.abc import Sequence
from typing import Final

_PIECES: Final = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xf0\x9f\x91\x8b", b"{", b"}", b"[" * 300, b'"', b"\\",
    b"null", b"1e999", b"-1", b"9" * 5_000, b"NaN", b"'", b"`", b"--", b"/*", b"*/", b";", b"\n", b"%00", b"&", b"*a",
    b"&a", b"!!python/x", b": ", b"FORMAT Native", b"INTO OUTFILE", b"@", b"sk-",
    b"4111 1111 1111 1111", b"\xc2\xb2", b"\xd9\xa3",
)  # fmt: skip
_LONGEST: Final = 4_096


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """One input: a seed, or the halves of two, with up to a dozen changes."""
    data = bytearray(chance.choice(seeds))
    if chance.random() < 0.2:
        data = data[: chance.randint(0, len(data))] + chance.choice(seeds)[chance.randint(0, 40) :]
    for _ in range(chance.randint(0, 12)):
        at = chance.randint(0, len(data))
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(_PIECES)
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 40)]
            case _:
                data[at : at + 3] = chance.choice(_PIECES)
    return bytes(data[:_LONGEST])
