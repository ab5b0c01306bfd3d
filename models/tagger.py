"""Names, addresses and what else points to a person, found word by word by a small token classifier.

The text is read in windows of 126 tokens that overlap by 20; a token is judged in the window where it is
farthest from an edge. Classes are decided by word, so that no span begins or ends inside one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.batches import plan_batches
from models.catalog import find_entry
from models.onnx_session import open_session
from models.recollection import Recollection, text_digest
from models.store import require
from models.windows import CONTENT_TOKENS, encodable, linear, window_starts
from schemas.errors import Code, ConfigError

Floats: TypeAlias = NDArray[np.float32]

MODEL: Final = "pii-tagger"
GRAPH_FILE: Final = "tagger.int8.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
LABELS: Final = (
    "PERSON",
    "STREET_ADDRESS",
    "LOCATION",
    "ORGANIZATION",
    "DATE_TIME",
    "AGE",
    "TITLE",
    "NRP",
    "PHONE_NUMBER",
    "ID_NUMBER",
)
"""In the order of the classes: 0 is none of them, then two classes a label, its first token and the others."""

CACHE_TAGS: Final = 65_536  # what is remembered, in spans and texts; about 10 MB
_STRIDE_TOKENS: Final = 106
# What "nothing" weighs beside the labels. The public sentences of the training call too much nothing; below a third,
# recall gained no more than precision lost.
_NOTHING: Final = np.float32(0.35)


@dataclass(frozen=True, slots=True)
class Tag:
    """A span, in code points of the text, that the model gives a label; ``score`` is its mean probability."""

    label: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """One text in tokens: ids, first and past-the-end code points, and where each of its words begins."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    words: NDArray[np.int64]


class OnnxTagger:
    """The tagger on the CPU. Deterministic, thread-safe after ``load``, and independent of the batch."""

    def __init__(self, directory: Path, *, threads: int = 1, cache: int = CACHE_TAGS) -> None:
        self._directory = directory
        self._threads = threads
        self._entry = find_entry(MODEL)
        self._memory: Recollection[tuple[Tag, ...]] = Recollection(cache)
        self._lock = Lock()
        self._tokenizer: Tokenizer | None = None
        self._session: onnxruntime.InferenceSession | None = None
        self._frame = np.zeros(2, np.int32)

    @property
    def version(self) -> str:
        return self._entry.version_of(GRAPH_FILE)

    def load(self) -> None:
        """Read tokenizer and weights once; later calls do nothing. Raises ConfigError when they cannot be used."""
        with self._lock:
            if self._session is not None:
                return
            folder = require(self._entry, self._directory)
            try:
                tokenizer = linear(Tokenizer.from_file(str(folder / TOKENIZER_FILE)))
            except Exception as error:  # the library raises bare Exception
                raise ConfigError(f"{TOKENIZER_FILE} cannot be read", code=Code.MODEL_CORRUPT, field=MODEL) from error
            self._frame = np.array(tokenizer.encode("").ids, np.int32)  # [CLS] and [SEP]
            self._tokenizer = tokenizer
            self._session = open_session(folder / GRAPH_FILE, self._threads, MODEL)

    def tag(self, texts: Sequence[str]) -> list[tuple[Tag, ...]]:
        """The spans of each text, in order and disjoint. Any string is legal: empty, huge, NULs, lone surrogates."""
        known: dict[str, tuple[Tag, ...]] = {}
        fresh: dict[str, _Tokens] = {}
        for text in dict.fromkeys(texts):
            found = self._memory.get(text_digest(text))
            if found is None:
                fresh[text] = self._tokens(text)
            else:
                known[text] = found
        for (text, tokens), shares in zip(fresh.items(), self._shares(list(fresh.values())), strict=True):
            known[text] = tuple(_tags(tokens, shares))
            self._memory.put(text_digest(text), known[text], weight=1 + len(known[text]))
        return [known[text] for text in texts]

    def _tokens(self, text: str) -> _Tokens:
        if self._tokenizer is None:
            raise ConfigError("the tagger is used before load()", field=MODEL)
        encoding = self._tokenizer.encode(encodable(text), add_special_tokens=False)
        offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2)
        numbers = np.array(encoding.word_ids, np.int64)
        words = np.flatnonzero(np.diff(numbers, prepend=-1))
        return _Tokens(np.array(encoding.ids, np.int32), offsets[:, 0], offsets[:, 1], words)

    def _shares(self, texts: Sequence[_Tokens]) -> Iterator[Floats]:
        """Each text's probabilities, tokens by classes."""
        windows: list[NDArray[np.int32]] = []
        for text in texts:
            for start in window_starts(len(text.ids), CONTENT_TOKENS, _STRIDE_TOKENS):
                content = text.ids[start : start + CONTENT_TOKENS]
                windows.append(np.concatenate((self._frame[:1], content, self._frame[1:]), dtype=np.int32))
        read = iter(self._run(windows))
        for text in texts:
            yield _stitched(len(text.ids), read)

    def _run(self, windows: Sequence[NDArray[np.int32]]) -> list[Floats]:
        """Probabilities of every window's content; equal windows are computed once."""
        if self._session is None:
            raise ConfigError("the tagger is used before load()", field=MODEL)
        distinct = {window.tobytes(): window for window in windows}
        keys, read = list(distinct), dict[bytes, Floats]()
        for batch in plan_batches(list(distinct.values())):
            [shares] = self._session.run(["shares"], {"ids": batch.ids, "mask": batch.mask})
            for row, values in zip(batch.rows, shares, strict=True):
                read[keys[row]] = values[1 : len(distinct[keys[row]]) - 1]
        return [read[window.tobytes()] for window in windows]


def _stitched(count: int, windows: Iterator[Floats]) -> Floats:
    """One text's windows as one array: each token from the window in whose middle it stands most."""
    starts = window_starts(count, CONTENT_TOKENS, _STRIDE_TOKENS)
    parts = [next(windows) for _ in starts]
    # Two windows that overlap part in the middle of what they share.
    cuts = [(start + CONTENT_TOKENS + later) // 2 for start, later in pairwise(starts)]
    edges = [0, *cuts, count]
    if not parts:
        return np.zeros((0, 1 + 2 * len(LABELS)), np.float32)
    return np.concatenate(
        [part[a - start : b - start] for part, start, (a, b) in zip(parts, starts, pairwise(edges), strict=True)]
    )


def _tags(tokens: _Tokens, shares: Floats) -> Iterator[Tag]:
    """Runs of words of one label. A word that begins a name anew ends the one before it."""
    if not len(tokens.words):
        return
    begins = shares[tokens.words, 1::2]
    sums = np.concatenate((_NOTHING * shares[:, :1], shares[:, 1::2] + shares[:, 2::2]), axis=1)
    sums /= np.maximum(sums.sum(axis=1, keepdims=True), np.float32(1e-9))
    lengths = np.diff(tokens.words, append=len(shares)).astype(np.float32)
    means: Floats = np.asarray(np.add.reduceat(sums, tokens.words, axis=0) / lengths[:, None], np.float32)
    classes = means.argmax(axis=1)
    starts, ends = tokens.starts[tokens.words], tokens.ends[np.append(tokens.words[1:], len(shares)) - 1]
    run: list[int] = []
    for word in np.flatnonzero(classes).tolist():
        label = int(classes[word]) - 1
        anew = begins[word, label] > shares[tokens.words[word], 2 * label + 2]
        if run and (word != run[-1] + 1 or classes[word] != classes[run[-1]] or anew):
            yield _tag(run, classes, means, starts, ends)
            run = []
        run.append(word)
    if run:
        yield _tag(run, classes, means, starts, ends)


def _tag(
    run: Sequence[int],
    classes: NDArray[np.int64],
    means: Floats,
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
) -> Tag:
    of = int(classes[run[0]])
    score = float(means[list(run), of].mean())
    return Tag(LABELS[of - 1], min(round(score, 4), 1.0), int(starts[run[0]]), int(ends[run[-1]]))
