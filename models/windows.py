"""Long text as overlapping windows of tokens, so that nothing is cut off and cost is linear in length.

A window holds at most 126 tokens of content between [CLS] and [SEP]. A text that fits into one is one window. A longer
one is read twice: in windows of 126 tokens, for what only the context shows, and sentence by sentence, because one
bad sentence among many good ones is lost in a window's mean. Of a text of more than 16 windows only the first and last
eight are read so; what is between them, by sentence alone. Sentences that are short join the next, and what goes on for
long without an end is read in overlapping pieces. Spans are code points of the original ``str``.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, pre_tokenizers

from schemas.errors import Code, ConfigError

CONTENT_TOKENS = 126
STRIDE_TOKENS = 120  # a short overlap: phrases at the seams lie whole in a sentence
EDGE_WINDOWS = 8  # at either end: what sets the scene for the rest stands there
SENTENCE_TOKENS = 48  # longer sentences are read in pieces
PIECE_TOKENS = 40
PIECE_STRIDE_TOKENS = 30
SHORT_TOKENS = 6  # "Yes." says little by itself
PIECE_CHARS = 96  # WordPiece is quadratic in a word's length and gives up at 100: longer runs are read in pieces

# After the sentence signs of many scripts and what may close behind them, or at a line's end.
# Possessive, and never begun inside a run of signs: 100,000 full stops must not cost their square.
_SENTENCE_END = re.compile(
    r"""(?:(?<![.!?…])[.!?…]++["'»”’)\]]*+(?=\s)|(?<![。！？])[。！？]++["'」』”’]*+|[؟۔।]|\n)\s*+"""  # noqa: RUF001 - signs of other scripts
)
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


@dataclass(frozen=True, slots=True)
class WindowedText:
    """One text in token windows.

    ``spans`` is ``(windows, 2)``, code points; the union covers the text. ``tokens`` has one int32 array a window,
    with [CLS] and [SEP]. A text without anything to read (blank, or control characters only) has no windows.
    """

    spans: NDArray[np.int32]
    tokens: tuple[NDArray[np.int32], ...]


def window_starts(count: int, size: int = CONTENT_TOKENS, stride: int = STRIDE_TOKENS) -> list[int]:
    """Where windows of ``size`` start so that they cover ``count`` tokens and the last one ends with them."""
    if count <= size:
        return [0] if count else []
    return [*range(0, count - size, stride), count - size]


def linear(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, changed to read all of any text in linear time: endless words in pieces, nothing cut or padded."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pieces = pre_tokenizers.Split(Regex(rf"\S{{{PIECE_CHARS}}}"), "isolated")
    own = [tokenizer.pre_tokenizer] if tokenizer.pre_tokenizer else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, *own])
    return tokenizer


class TextCutter:
    """Cuts any string into windows with a model's own tokenizer, which it takes over. Thread-safe.

    Raises ValueError when the tokenizer does not put one token before a text and one behind it.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = linear(tokenizer)
        self._first, self._last = np.array(tokenizer.encode("").ids, np.int32)  # [CLS] and [SEP]

    def cut(self, text: str) -> WindowedText:
        """Windows of ``text``. Any string is legal; a lone surrogate is read as U+FFFD."""
        if not text or text.isspace():
            return _NOTHING
        encoding = self._tokenizer.encode(encodable(text), add_special_tokens=False)
        tokens = np.array(encoding.ids, np.int32)
        if not len(tokens):
            return _NOTHING
        offsets = encoding.offsets
        windows = _windows(text, len(tokens), offsets)
        spans = np.array([(offsets[a][0], offsets[b - 1][1]) for a, b in windows], np.int32)
        # What is no token (spaces, control characters) belongs to the windows beside it.
        spans[spans[:, 0] == offsets[0][0], 0] = 0
        spans[spans[:, 1] == offsets[-1][1], 1] = len(text)
        return WindowedText(spans, tuple(self._frame(tokens[a:b]) for a, b in windows))

    def _frame(self, content: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.concatenate(([self._first], content, [self._last]), dtype=np.int32)


class WindowTokenizer:
    """A cutter from a tokenizer's file. Thread-safe after ``load``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cutter: TextCutter | None = None

    def load(self) -> None:
        """Read the tokenizer file. Raises ConfigError when it cannot be used."""
        try:
            self._cutter = TextCutter(Tokenizer.from_file(str(self._path)))
        except Exception as error:  # the library raises bare Exception
            raise ConfigError(f"{self._path.name} is not a tokenizer file", code=Code.MODEL_CORRUPT) from error

    def cut(self, text: str) -> WindowedText:
        """Windows of ``text``. Any string is legal; a lone surrogate is read as U+FFFD."""
        if self._cutter is None:
            raise ConfigError("the tokenizer is used before load()")
        return self._cutter.cut(text)


def _windows(text: str, count: int, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """First and past-the-end token of every window, those of 126 tokens first; each pair once."""
    whole = [(start, min(start + CONTENT_TOKENS, count)) for start in window_starts(count)]
    if len(whole) == 1:
        return whole
    edges = whole if len(whole) <= 2 * EDGE_WINDOWS else [*whole[:EDGE_WINDOWS], *whole[-EDGE_WINDOWS:]]
    return list(dict.fromkeys([*edges, *_sentences(text, count, offsets)]))


def _sentences(text: str, count: int, offsets: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begins = [start for start, _ in offsets]
    edges = [bisect_left(begins, match.end()) for match in _SENTENCE_END.finditer(text)]
    first = 0
    for edge in [*edges, count]:
        length = edge - first
        if length <= 0 or (length < SHORT_TOKENS and edge < count):
            continue
        if length <= SENTENCE_TOKENS:
            yield first, edge
        else:
            pieces = window_starts(length, PIECE_TOKENS, PIECE_STRIDE_TOKENS)
            yield from ((first + start, first + start + PIECE_TOKENS) for start in pieces)
        first = edge


def encodable(text: str) -> str:
    """The text with surrogates replaced one for one, so that offsets stay."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


_NOTHING = WindowedText(np.zeros((0, 2), np.int32), ())
_NOTHING.spans.flags.writeable = False
