"""Raw records made fit to be looked at: every text with personal data and secrets replaced."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from guards.decision import is_masked
from guards.guard import Guard, Hit, Passage, Side
from guards.masking import mask
from guards.pii import PiiGuard
from guards.secrets import SecretsGuard
from models.tagger import OnnxTagger
from schemas.actions import Action
from schemas.errors import Code
from schemas.reply import Answerer, Status

_PLAIN_KEYS: Final = frozenset({"app", "role", "model", "lang", "specversion", "type", "deadline", "time"})
_NAME_KEYS: Final = frozenset({"id", "source", "request_id", "request_source", "conversation", "hash"})
_NAME: Final = re.compile(
    r"[A-Za-z][A-Za-z_.-]{0,31}(-\d{1,5})?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*[a-f])[0-9a-f]{16}"
)
_WORDS: Final = frozenset({*Action, *Code, *get_args(Status), *get_args(Answerer)})
"""Our own words, which say nothing of anybody: read alone, the tagger takes ``block`` for a name."""


class Masker:
    """Masks as the store's texts are masked. Call ``load`` once; it takes a second or two.

    ``models`` is the directory of the models.
    """

    def __init__(self, models: Path) -> None:
        self._tagger = OnnxTagger(models)
        self._guards: Sequence[Guard] = ()

    def load(self) -> None:
        """Load the guards that find spans. Raises ConfigError: ``MODEL_MISSING`` or ``MODEL_CORRUPT``."""
        self._tagger.load()
        pii, secrets = PiiGuard(self._tagger), SecretsGuard()
        pii.load()
        secrets.load()
        self._guards = (pii, secrets)

    def masked_text(self, text: str) -> str:
        """The text with every hit replaced by ``<LABEL>``."""
        passage = Passage(text, Side.PROMPT)
        hits: list[Hit] = [hit for guard in self._guards for hit in guard.read([passage], {})[0].hits if is_masked(hit)]
        return mask(text, hits)

    def masked(self, value: object) -> object:
        """The JSON value with every text masked, but for the values of keys that never hold user text.

        Ids stay if they look like such (a word and a number, a UUID, a hash): without them no reply is found again, and
        guards that read texts take the oddest of them for numbers and places.
        """
        if isinstance(value, str):
            return value if value in _WORDS else self.masked_text(value)
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if isinstance(value, dict):
            return {
                self.masked_text(key): item if isinstance(item, str) and _is_plain(key, item) else self.masked(item)
                for key, item in value.items()
            }
        return value


def _is_plain(key: str, text: str) -> bool:
    return key in _PLAIN_KEYS or (key in _NAME_KEYS and _NAME.fullmatch(text) is not None)


class LazyMasker:
    """A masker that is loaded for the first text; for one thread at a time, or after that for any."""

    def __init__(self, models: Path) -> None:
        self._masker = Masker(models)
        self._loaded = False

    def masked_text(self, text: str) -> str:
        """The text with every hit replaced by ``<LABEL>``. Raises as ``Masker.load`` does."""
        if not self._loaded:
            self._masker.load()
            self._loaded = True
        return self._masker.masked_text(text)
