"""Which language a text is in, offline: py3langid (BSD), naive Bayes over byte n-grams, 139 languages.

A wrong answer does harm: English taken for something else would be flagged. So what is no prose does not count (code,
addresses, numbers), short or doubtful texts have no language, and English has the benefit of the doubt.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.errors import Code, ConfigError

ENGLISH: Final = "en"

_PART = 240  # code points that are asked about at once
_FEWEST_LATIN = 18  # letters of a part
_FEWEST_OTHER = 4  # of a script that says much by itself
_LEAST = 0.4  # confidence: low, for related languages share what there is
_MOST_ENGLISH = 0.01  # how likely English may be at most when it is said to be another language
# Frequent in English and hardly anywhere else: a part with enough of them needs no model, which is twice as fast.
_ENGLISH_WORDS = frozenset(
    [
        "the",
        "and",
        "of",
        "to",
        "that",
        "you",
        "with",
        "for",
        "what",
        "how",
        "this",
        "are",
        "your",
        "it",
        "from",
        "have",
        "which",
    ]
)
_ENOUGH = 3  # different ones
_SHARE = 0.12  # of the words
_NO_LANGUAGE = "zxx"
_VARIETIES: Final = {"wuu": "zh", "yue": "zh", "ary": "ar", "arz": "ar"}  # in short texts they are not told apart

_NO_PROSE = re.compile(
    r"```.{0,4000}?```|`[^`\n]{0,200}`|https?://\S{1,2000}|\S*[@\\/_={}<>\[\]|#$%^&*+~]\S*|\S*\d\S*|\S{41,}", re.DOTALL
)
_SPLIT = re.compile(rf".{{1,{_PART}}}(?:\s|$)|.{{1,{_PART}}}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Language:
    """The language of most of a text, ISO 639, how sure that is (0 to 1), and every language that a part is in."""

    code: str
    confidence: float
    parts: frozenset[str]


class LanguageModel:
    """Identifies languages. Thread-safe after ``load``; time and memory are linear in a text's length."""

    version = "py3langid@0.4"

    def __init__(self) -> None:
        self._model: LanguageIdentifier | None = None

    def load(self) -> None:
        """Read the packaged weights: half a second. Raises ConfigError when they cannot be read."""
        try:
            self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        except Exception as error:  # the library raises whatever its parts raise
            raise ConfigError("py3langid's model cannot be read", code=Code.MODEL_CORRUPT) from error

    def identify(self, text: str) -> Language | None:
        """The language of a text, or None if it cannot be told. Any string is legal."""
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for match in _SPLIT.finditer(_NO_PROSE.sub(" ", text)):
            part = match.group()
            letters = sum(map(str.isalpha, part))
            if letters >= (_FEWEST_LATIN if part.isascii() else _FEWEST_OTHER):
                code, confidence = self._classify(part, letters)
                found[code].append((letters, confidence))
        found.pop(_NO_LANGUAGE, None)
        if not found:
            return None
        code = max(found, key=lambda code: (sum(letters for letters, _ in found[code]), code))
        return Language(code, max(confidence for _, confidence in found[code]), frozenset(found))

    def _classify(self, part: str, letters: int) -> tuple[str, float]:
        if self._model is None:
            raise ConfigError("the language model is used before load()")
        if part.isascii() and _plainly_english(part):
            return ENGLISH, 1.0
        latin = sum(sign.isalpha() and sign < "\u0250" for sign in part)
        ranked = self._model.rank(part)
        code, confidence = _VARIETIES.get(ranked[0][0], ranked[0][0]), ranked[0][1]
        if code == ENGLISH or 2 * latin < letters:
            return code, confidence
        english = next((share for other, share in ranked if other == ENGLISH), 0.0)
        sure = confidence >= _LEAST and english <= _MOST_ENGLISH and letters >= _FEWEST_LATIN
        return (code, confidence) if sure else (_NO_LANGUAGE, 0.0)


def _plainly_english(part: str) -> bool:
    words = part.lower().split()
    known = [word for word in words if word in _ENGLISH_WORDS]
    return len(set(known)) >= _ENOUGH and len(known) >= _SHARE * len(words)
