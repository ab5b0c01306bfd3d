"""The guard that finds personal data."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence

from guards import patterns
from guards.disguise import Styles
from guards.folding import folding_table
from guards.guard import Hit, Passage, Reading, TextFeatures
from guards.origin import with_origins
from guards.pii import catalog
from guards.pii.catalog import Catalog, Entity
from guards.pii.custom import CustomKind, custom_kinds
from guards.pii.presidio import Found, Recognizer, patterns_only
from guards.pii.tagging import Tag, Tagger, hits_of
from guards.pii.view import TextView
from guards.pii.wanted import Wanted
from guards.spans import cover, drop_dominated

_CHECKED = 0.5  # the score from which a pattern's hit is believed rather than the model
_LIBRARIES = ("presidio-analyzer", "phonenumbers", "tldextract")


class PiiGuard:
    """Hits for names, addresses, numbers and identifiers that point to a person, labelled as Presidio names them.

    Patterns, checksums and words nearby, in any side and role; names and postal addresses come from the ``tagger``,
    and without one are not found. Cost is linear in the text. ``load`` once (about 2 s, no network; the tagger is
    loaded already); after that any thread may read.
    """

    name = "pii"
    labels: tuple[str, ...] = ()
    lower_is_worse = False
    languages = None

    def __init__(
        self, tagger: Tagger | None = None, pattern_file: str = "pii.toml", wanted: Wanted | None = None
    ) -> None:
        self._tagger = tagger
        self._wanted = wanted or Wanted()
        self._custom: tuple[CustomKind, ...] = ()
        self._pattern_file = pattern_file
        self._catalog = Catalog(entities=(), min_score=1.0, context_before=0, context_after=0)
        self._recognizers: tuple[tuple[Entity, Recognizer], ...] = ()
        self._folding: Mapping[int, str] = {}
        self._styles: Styles | None = None
        self._version: str | None = None

    @property
    def version(self) -> str:
        if self._version is None:
            raise RuntimeError("the PII guard is not loaded")
        return self._version

    def load(self) -> None:
        """Reads the patterns and builds the recognisers. Raises ``ConfigError`` for a pattern file at fault."""
        source = patterns.read(self._pattern_file)
        self._catalog = catalog.parse(source.tables)
        with patterns_only():
            from guards.pii.recognizers import build  # noqa: PLC0415 - imports Presidio, which takes seconds

            entities = self._wanted.chosen(self._catalog.entities)
            self._recognizers = tuple((entity, build(entity)) for entity in entities)
        self._custom = custom_kinds(self._wanted.recognizers)
        self._folding = folding_table()
        self._styles = Styles.load()
        libraries = " ".join(importlib.metadata.version(library) for library in _LIBRARIES)
        made_of = f"{source.digest} {self._styles.version} {libraries} {self._wanted.digest}"
        patterns_version = hashlib.sha256(made_of.encode()).hexdigest()[:12]
        self._version = f"{patterns_version} {self._tagger.version}" if self._tagger else patterns_version

    def tailored(self, wanted: Wanted) -> "PiiGuard":
        """A guard that finds what a policy wants, with the same tagger. Loaded: a few milliseconds."""
        guard = PiiGuard(self._tagger, self._pattern_file, wanted)
        guard.load()
        return guard

    def applies(self, passage: Passage) -> bool:
        del passage
        return True

    def needs(self, passage: Passage) -> Sequence[str]:
        del passage
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        del features
        if self._styles is None:
            raise RuntimeError("the PII guard is not loaded")
        texts = [self._styles.plain(passage.text) for passage in passages]
        tagged = self._tagger.tag(texts) if self._tagger else [()] * len(texts)
        return [
            Reading(hits=with_origins(passage, self._read(text, tags)))
            for passage, text, tags in zip(passages, texts, tagged, strict=True)
        ]

    def _read(self, text: str, tags: Sequence[Tag]) -> tuple[Hit, ...]:
        """Patterns and tags together; a format that was checked knows better than the model what is inside it."""
        matched = drop_dominated(self._hits(TextView(text, self._folding)))
        checked = cover(hit for hit in matched if hit.score >= _CHECKED)
        return drop_dominated((*matched, *(hit for hit in hits_of(text, tags) if not checked.holds(hit))))

    def _hits(self, view: TextView) -> Iterator[Hit]:
        for entity, recognizer in self._recognizers:
            if not _worth_running(entity, view):
                continue
            for found in recognizer.analyze(view.text, [entity.label]):
                score = self._score(view, entity, found)
                if score >= self._catalog.min_score:
                    yield Hit(entity.label, score, found.start, found.end)
        for kind in self._custom:
            yield from kind.hits(view, self._catalog.context_before, self._catalog.context_after)

    def _score(self, view: TextView, entity: Entity, found: Found) -> float:
        """The recogniser's score, weighed by the words around the hit; 0 for a hit to drop."""
        start, end = found.start, found.end
        if end - start < entity.shortest or (entity.ignore and entity.ignore.fullmatch(view.text, start, end)):
            return 0.0
        first = start - self._catalog.context_before
        if entity.unless and view.has_word(entity.unless, first, start):
            return 0.0
        last = end + self._catalog.context_after
        if view.has_word(entity.context, first, start) or view.has_word(entity.context, end, last):
            return max(found.score, entity.together)
        return min(found.score, entity.alone)


def _worth_running(entity: Entity, view: TextView) -> bool:
    """Whether the recogniser can lead to a hit at all: cheap signs that every hit has."""
    if entity.digits and view.longest_run < entity.digits:
        return False
    if entity.trigger and not entity.trigger.search(view.text):
        return False
    return entity.alone > 0 or view.mentions(entity.context)
