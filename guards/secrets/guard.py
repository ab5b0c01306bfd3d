"""The guard that finds credentials."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence

from guards import patterns
from guards.disguise import Styles
from guards.folding import fold, folding_table
from guards.guard import Hit, Passage, Reading, TextFeatures
from guards.origin import with_origins
from guards.secrets.catalog import Kind, Match, parse
from guards.spans import drop_dominated

_NO_SPAN = (-1, -1)


class SecretsGuard:
    """Hits for keys, tokens, passwords and private keys, labelled by kind, in any side and role.

    Matching is RE2's: linear in the text, whatever it is. ``load`` once; after that any thread may read.
    """

    name = "secrets"
    labels: tuple[str, ...] = ()
    lower_is_worse = False
    languages = None

    def __init__(self, pattern_file: str = "secrets.toml") -> None:
        self._pattern_file = pattern_file
        self._kinds: tuple[Kind, ...] = ()
        self._styles: Styles | None = None
        self._folding: Mapping[int, str] = {}
        self._version: str | None = None

    @property
    def version(self) -> str:
        if self._version is None:
            raise RuntimeError("the secrets guard is not loaded")
        return self._version

    def load(self) -> None:
        """Reads and compiles the patterns. Raises ``ConfigError`` for a pattern file at fault."""
        source = patterns.read(self._pattern_file)
        self._kinds = parse(source.tables)
        self._styles = Styles.load()
        self._folding = folding_table()
        library = importlib.metadata.version("google-re2")
        self._version = hashlib.sha256(f"{source.digest} {self._styles.version} {library}".encode()).hexdigest()[:12]

    def applies(self, passage: Passage) -> bool:
        del passage
        return True

    def needs(self, passage: Passage) -> Sequence[str]:
        del passage
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        del features
        if self._styles is None:
            raise RuntimeError("the secrets guard is not loaded")
        texts = [fold(self._styles.plain(passage.text), self._folding) for passage in passages]
        return [
            Reading(hits=with_origins(passage, drop_dominated(self._hits(text))))
            for passage, text in zip(passages, texts, strict=True)
        ]

    def _hits(self, text: str) -> Iterator[Hit]:
        lowered = text.lower()
        encoded = b""
        for kind in self._kinds:
            if any(keyword in lowered for keyword in kind.keywords):
                encoded = encoded or text.encode()
                yield from _find(kind, encoded)


def _find(kind: Kind, encoded: bytes) -> Iterator[Hit]:
    """Matches over bytes, reported in code points, each stretch of the text decoded once."""
    read = points = 0
    for match in kind.expression.finditer(encoded):
        start, end = _secret_span(match, kind.expression.groups)
        secret = encoded[start:end].decode()
        if not kind.credibility.holds(secret):
            continue
        if kind.whole:
            start, end = match.span()
        first = points + len(encoded[read:start].decode())
        last = first + len(encoded[start:end].decode())
        yield Hit(kind.label, kind.score, first, last)
        read, points = end, last


def _secret_span(match: Match, groups: int) -> tuple[int, int]:
    """The bytes of the group that matched; of the whole match where no group did."""
    for group in range(1, groups + 1):
        span = match.span(group)
        if span != _NO_SPAN:
            return span
    return match.span()
