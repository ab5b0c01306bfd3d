"""Presidio's recognisers as the guard uses them, three of them adapted.

Importing this module imports Presidio: only ``PiiGuard.load`` does it.
"""

from collections.abc import Callable, Mapping

import re2
import tldextract
from presidio_analyzer import RecognizerResult, predefined_recognizers

from guards.pii.catalog import Entity
from guards.pii.phone import find_numbers
from guards.pii.presidio import Found, Recognizer
from schemas.errors import ConfigError

# Letters of scripts that part words by spaces: in the others, an address has no visible beginning or end.
_LETTER = r"\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Devanagari}\pM\pN"
# A local part that begins and ends with a letter, a digit or "_+-", labels of letters and digits with inner hyphens,
# and at least two labels. Presidio's own pattern is quadratic in "a.a.a.a@".
_EMAIL = (
    rf"[{_LETTER}_+](?:[{_LETTER}_.+%'&~-]*[{_LETTER}_+-])?"
    rf"@(?:[{_LETTER}_](?:[{_LETTER}_-]*[{_LETTER}_])?\.)+[{_LETTER}](?:[{_LETTER}-]*[{_LETTER}])?"
)


class LinearEmailRecognizer(predefined_recognizers.EmailRecognizer):  # type: ignore[misc]  # Presidio is read without its types
    """``EmailRecognizer`` with RE2 for the pattern and the packaged public suffix list: no backtracking, no network.

    An address under a public suffix scores 1, one under another alphabetic name ("corp.local") the pattern's 0.5.
    """

    def load(self) -> None:
        self._email = re2.compile(_EMAIL)
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        self._suffixes("example.org")  # reads the packaged list now rather than in the first text

    def validate_result(self, pattern_text: str) -> bool | None:
        domain = pattern_text.rpartition("@")[2]
        if self._suffixes(domain).fqdn:
            return True
        return None if domain.rpartition(".")[2].isalpha() else False

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[Found]:
        del entities, nlp_artifacts
        results: list[Found] = []
        for match in self._email.finditer(text):
            validated = self.validate_result(match.group())
            if validated is not False:
                score = 1.0 if validated else self.patterns[0].score
                results.append(RecognizerResult(self.supported_entities[0], match.start(), match.end(), score))
        return results


class LinearPhoneRecognizer(predefined_recognizers.PhoneRecognizer):  # type: ignore[misc]  # Presidio is read without its types
    """``PhoneRecognizer`` on the candidates of ``guards.pii.phone`` rather than every run of digits in every region.

    Bare digits keep Presidio's 0.4, since so many other numbers look like that; a number with a plus or separators
    scores 0.6.
    """

    WRITTEN_OUT = 0.6

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[Found]:
        del entities, nlp_artifacts
        results: list[Found] = []
        for start, end in find_numbers(text, tuple(self.supported_regions)):
            score = self.SCORE if text[start:end].isdigit() else self.WRITTEN_OUT
            results.append(RecognizerResult(self.supported_entities[0], start, end, score))
        return results


# Numbers printed in every example; people who type their own often type one of these first.
_SAMPLE_SSNS = frozenset({"123456789", "078051120"})


class SampleSsnRecognizer(predefined_recognizers.UsSsnRecognizer):  # type: ignore[misc]  # Presidio is read without its types
    """``UsSsnRecognizer`` that takes the well-known sample numbers too: masking one costs nothing."""

    def invalidate_result(self, pattern_text: str) -> bool:
        digits = "".join(filter(str.isdigit, pattern_text))
        return digits not in _SAMPLE_SSNS and bool(super().invalidate_result(pattern_text))


_OURS: Mapping[str, Callable[..., Recognizer]] = {
    "EmailRecognizer": LinearEmailRecognizer,
    "PhoneRecognizer": LinearPhoneRecognizer,
    "UsSsnRecognizer": SampleSsnRecognizer,
}


def build(entity: Entity) -> Recognizer:
    """The entity's recogniser, its patterns compiled. Raises ``ConfigError`` for a name that Presidio lacks."""
    made_of = _OURS.get(entity.recognizer) or getattr(predefined_recognizers, entity.recognizer, None)
    if made_of is None:
        raise ConfigError("Presidio has no such recogniser", field=entity.recognizer)
    recognizer: Recognizer = made_of(supported_entity=entity.label, **entity.options)
    recognizer.analyze("", [entity.label])
    return recognizer
