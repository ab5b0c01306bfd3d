"""Does the response give away what only the system said?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from guards.guard import Hit, Passage, Reading, Score, Side, TextFeatures
from guards.overlap import Repeated, repeated, words_of
from guards.secrets.credibility import shannon_entropy

_SECRETIVE: Final = frozenset({"system", "developer"})

# A passage of so many words scores 0 up to the first, 1 from the second. Phrases of the trade are shorter.
_PASSAGE_WORDS: Final = (8, 24)
# So many words make a passage that may be all of a short system message; then its share counts.
_SHORT_WORDS: Final = (4, 8)

# A word that nobody writes by chance: letters and digits mixed in one piece, as in a key, a hash or a planted token.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{10,128}", re.ASCII)
_PIECE: Final = re.compile(r"[A-Za-z0-9]{8,}", re.ASCII)
_TOKEN_ENTROPY: Final = 2.75  # bits a character


class LeakageGuard:
    """How much of the system's message a response recites, 0 to 1, and the canaries of it that it holds (hits).

    Recited means in the same words, a few changed, left out or put in; what the user or the context said too does not
    count. The score grows with the longest passage, and with the share of a short message. It knows nothing of
    translations and summaries. A canary is an unguessable token in the system's message, planted or not, or one that a
    policy lists.
    """

    name = "leakage"
    version = "overlap@1"
    labels = ("leakage",)
    lower_is_worse = False
    languages = None

    def __init__(self, canaries: Sequence[str] = ()) -> None:
        self._canaries = tuple(canary.casefold() for canary in canaries)

    def applies(self, passage: Passage) -> bool:
        if passage.side is not Side.RESPONSE:
            return False
        return bool(self._canaries) or any(m.role in _SECRETIVE for m in passage.conversation)

    def needs(self, passage: Passage) -> Sequence[str]:  # noqa: ARG002 - it needs no features for any passage
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:  # noqa: ARG002 - as above
        return [self._read(passage) for passage in passages]

    def _read(self, passage: Passage) -> Reading:
        secret = "\n".join(m.content for m in passage.conversation if m.role in _SECRETIVE)
        known = [*(m.content for m in passage.conversation if m.role not in _SECRETIVE), *passage.context]
        found = repeated(words_of(passage.text), words_of(secret), map(words_of, known))
        hits = (*_canaries(passage.text, secret, known), *self._listed(passage.text, known))
        value = 1.0 if hits else _score(found)
        span = (found.start, found.end) if value > 0 and not hits else (None, None)
        return Reading({"leakage": Score(value, *span)}, hits)

    def _listed(self, text: str, known: Sequence[str]) -> Iterator[Hit]:
        lowered = text.casefold() if len(text.casefold()) == len(text) else text.lower()
        given = "\n".join(known).casefold() if self._canaries else ""
        for canary in self._canaries:
            if canary in given:
                continue
            start = lowered.find(canary)
            while start >= 0:
                yield Hit("CANARY", 1.0, start, min(start + len(canary), len(text)))
                start = lowered.find(canary, start + len(canary))


def _score(found: Repeated) -> float:
    return max(_ramp(found.words, *_PASSAGE_WORDS), found.share * _ramp(found.words, *_SHORT_WORDS))


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _canaries(text: str, secret: str, known: Sequence[str]) -> Iterator[Hit]:
    planted = {token[0].casefold() for token in _TOKEN.finditer(secret) if _is_unguessable(token[0])}
    if not planted:
        return
    given = {token[0].casefold() for other in known for token in _TOKEN.finditer(other)}
    for token in _TOKEN.finditer(text):
        if token[0].casefold() in planted - given:
            yield Hit("CANARY", 1.0, token.start(), token.end())


def _is_unguessable(token: str) -> bool:
    pieces = _PIECE.findall(token)
    mixed = any(any(map(str.isdigit, piece)) and any(map(str.isalpha, piece)) for piece in pieces)
    return mixed and shannon_entropy(token) >= _TOKEN_ENTROPY
