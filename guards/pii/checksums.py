"""Check digits, by the names that policies use. Each says whether letters and digits, written together, satisfy it."""

from collections.abc import Callable, Mapping
from typing import Final

_DIHEDRAL: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def luhn(value: str) -> bool:
    """Luhn's mod 10 over the digits (ISO/IEC 7812-1): cards, IMEI, many customer numbers."""
    digits = _digits(value)
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return len(digits) > 1 and total % 10 == 0


def mod97(value: str) -> bool:
    """ISO 7064 MOD 97-10 with the first four signs moved to the end, as in an IBAN; letters count from 10."""
    signs = [sign for sign in value.upper() if sign.isascii() and sign.isalnum()]
    moved = signs[4:] + signs[:4]
    remainder = 0
    for sign in moved:
        number = int(sign, 36)
        remainder = (remainder * (100 if number > 9 else 10) + number) % 97
    return len(signs) > 4 and remainder == 1


def verhoeff(value: str) -> bool:
    """Verhoeff's check over the dihedral group: Aadhaar and others."""
    check = 0
    digits = _digits(value)
    for place, digit in enumerate(reversed(digits)):
        for _ in range(place % 8):
            digit = _TURN[digit]  # noqa: PLW2901 - the permutation, applied once more a place
        check = _DIHEDRAL[check][digit]
    return len(digits) > 1 and check == 0


CHECKSUMS: Final[Mapping[str, Callable[[str], bool]]] = {"luhn": luhn, "mod97": mod97, "verhoeff": verhoeff}


def _digits(value: str) -> list[int]:
    return [int(sign) for sign in value if sign.isascii() and sign.isdigit()]
