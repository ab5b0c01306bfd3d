"""One code point for another, so that recognisers written for ASCII read what people write."""

import sys
import unicodedata
from collections.abc import Mapping
from functools import cache

from guards.spans import well_formed

# Under IGNORECASE these match [A-Z], yet str.upper() leaves them outside ASCII, where checksum tables have no entry.
_CASE_TRAPS = {"\u0130": "I", "\u0131": "i", "\u017f": "s", "\u212a": "K"}
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"


@cache
def folding_table() -> Mapping[int, str]:
    """A table for ``str.translate`` that changes no length.

    Decimal digits of every script become 0-9, full-width forms ASCII, Unicode spaces and dashes their ASCII kin.
    """
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    for code in range(0x80, sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
        elif category == "Zs":
            table[code] = " "
    table.update((ord(dash), "-") for dash in _DASHES)
    table.update((ord(trap), plain) for trap, plain in _CASE_TRAPS.items())
    return table


def fold(text: str, table: Mapping[int, str]) -> str:
    """The text as the recognisers read it: well-formed, folded, and as long as it was."""
    return text if text.isascii() else well_formed(text).translate(table)
