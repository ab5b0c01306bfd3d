"""Telephone numbers in text: candidates of three shapes, decided by ``phonenumbers``."""

import re
from collections.abc import Iterator
from functools import cache

import phonenumbers

# International, North American, and national with the trunk 0. A digit follows at most two separators, so the work
# at every start is bounded.
_CANDIDATE = re.compile(
    r"(?<![\w+.])(?:"
    r"(?P<international>\(?(?:\+|00)[1-9](?:[ .\-/()]{0,2}\d){6,14})"
    r"|(?P<american>(?:1[ .\-]?)?(?:\([2-9]\d\d\)|[2-9]\d\d)[ .\-]{0,2}[2-9]\d\d[ .\-]?\d{4})"
    r"|(?P<national>\(?0\d{1,4}\)?(?:[ .\-]{0,2}\d){5,9})"
    r")(?!\w|[.\-]\d)",
    re.ASCII,
)
_TRAILING_GROUP = re.compile(r"[ .\-/()]+\d+\Z", re.ASCII)
_NOT_DIGITS = re.compile(r"\D+", re.ASCII)
_DATE = re.compile(r"\(?\d{1,2}([ .\-/])\d{1,2}\1\d{4}\b", re.ASCII)
_UNKNOWN_REGION = "ZZ"  # for numbers that begin with their country code
_MOST_CUTS = 4


def find_numbers(text: str, regions: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The spans of valid numbers: of any country after "+" or "00", of ``regions`` without."""
    position = 0
    while match := _CANDIDATE.search(text, position):
        length = _number_length(match.group(), _regions(match, regions))
        position = match.start() + length if length else match.end()
        if length:
            yield match.start(), position


def _regions(match: re.Match[str], regions: tuple[str, ...]) -> tuple[str, ...]:
    if match["international"]:
        return (_UNKNOWN_REGION,)
    return tuple(region for region in regions if (region == "US") == bool(match["american"]))


def _number_length(candidate: str, regions: tuple[str, ...]) -> int:
    """The length of the longest run of whole groups, from the start, that is a number; 0 without one.

    What follows a number is often another one, so a few groups may be cut from the end.
    """
    for _ in range(_MOST_CUTS + 1):
        if _DATE.match(candidate):
            return 0
        if any(_is_number(candidate, region) for region in regions):
            return len(candidate)
        shorter = _TRAILING_GROUP.sub("", candidate)
        if shorter == candidate:
            return 0
        candidate = shorter
    return 0


def _is_number(candidate: str, region: str) -> bool:
    digits = _NOT_DIGITS.sub("", candidate)
    if region == _UNKNOWN_REGION:
        digits = digits.removeprefix("00")
        return _in_some_plan(digits) and _is_valid(f"+{digits}", None)
    national = digits.removeprefix("1" if region == "US" else "0")
    return _plan(region).fullmatch(national) is not None and _is_valid(candidate, region)


def _in_some_plan(digits: str) -> bool:
    """Whether a country code and a number of its plan's general form make up the digits ("(0)" is not dialled)."""
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]), ())
        national = digits[length:]
        for region in regions:
            if region != "001" and (_plan(region).fullmatch(national) or _plan(region).fullmatch(national[1:])):
                return True
    return False


def _is_valid(number: str, region: str | None) -> bool:
    """The library's full check; 60 us, which is why the general form is tried first."""
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, region)))
    except phonenumbers.NumberParseException:
        return False


@cache
def _plan(region: str) -> re.Pattern[str]:
    """The general form of the region's national numbers."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    general = metadata.general_desc if metadata else None
    # A region without metadata has no numbers: "(?!)" matches nothing.
    return re.compile((general and general.national_number_pattern) or "(?!)")
