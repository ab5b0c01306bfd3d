"""Long text as overlapping windows of tokens, so that nothing is cut off and cost is linear in length.

A window holds at most 126 tokens of content between [CLS] and [SEP]; the next one starts 96 tokens later, so any
phrase of up to 30 tokens lies whole in some window. The last window is moved back to be full instead of short: a
few trailing words are judged with what precedes them. Spans are code points of the original ``str``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, pre_tokenizers

from schemas.errors import Code, ConfigError

CONTENT_TOKENS = 126
STRIDE_TOKENS = 96
PIECE_CHARS = 96  # WordPiece is quadratic in a word's length and gives up at 100: longer runs are read in pieces

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


class WindowTokenizer:
    """Cuts any string into windows. Thread-safe after ``load``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tokenizer: Tokenizer | None = None
        self._frames: tuple[np.int32, ...] = ()

    def load(self) -> None:
        """Read the tokenizer file. Raises ConfigError when it cannot be used."""
        try:
            tokenizer = Tokenizer.from_file(str(self._path))
        except Exception as error:  # the library raises bare Exception
            raise ConfigError(f"{self._path.name} is not a tokenizer file", code=Code.MODEL_CORRUPT) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        pieces = pre_tokenizers.Split(Regex(rf"\S{{{PIECE_CHARS}}}"), "isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, tokenizer.pre_tokenizer])
        self._frames = tuple(np.array(tokenizer.encode("").ids, np.int32))  # [CLS] and [SEP]
        self._tokenizer = tokenizer

    def cut(self, text: str) -> WindowedText:
        """Windows of ``text``. Any string is legal; a lone surrogate is read as U+FFFD."""
        if self._tokenizer is None:
            raise ConfigError("the tokenizer is used before load()")
        if not text or text.isspace():
            return _NOTHING
        encoding = self._tokenizer.encode(_encodable(text), add_special_tokens=False)
        tokens = np.array(encoding.ids, np.int32)
        starts = window_starts(len(tokens))
        if not starts:
            return _NOTHING
        offsets = encoding.offsets
        ends = [min(start + CONTENT_TOKENS, len(tokens)) for start in starts]
        spans = np.array(
            [(offsets[start][0], offsets[end - 1][1]) for start, end in zip(starts, ends, strict=True)], np.int32
        )
        # What is no token (spaces, control characters) belongs to the window beside it.
        spans[0, 0], spans[-1, 1] = 0, len(text)
        return WindowedText(spans, tuple(self._frame(tokens[a:b]) for a, b in zip(starts, ends, strict=True)))

    def _frame(self, content: NDArray[np.int32]) -> NDArray[np.int32]:
        first, last = self._frames
        return np.concatenate(([first], content, [last]), dtype=np.int32)


def _encodable(text: str) -> str:
    """The text with surrogates replaced one for one, so that offsets stay."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


_NOTHING = WindowedText(np.zeros((0, 2), np.int32), ())
_NOTHING.spans.flags.writeable = False
