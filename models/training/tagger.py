"""One training of the personal-data tagger: texts, the checkpoint's guesses, the adapter, and the activation ranges."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from transformers import BertConfig

from models.batches import plan_batches
from models.graph import build_tagger
from models.ranges import save_ranges
from models.store import ADAPTER_FILE, TAGGER_RANGES_FILE
from models.tagger_checkpoint import adapt, unpack_checkpoint
from models.training.adapter import AdapterRecipe, train_adapter
from models.training.calibration import measure_ranges
from models.training.corpus import read_injection, read_toxicity, share_of
from models.training.personal import Author
from models.training.tagged import MOST_TOKENS, Guess, Rewriter, Taught, teach
from models.windows import WindowTokenizer

_MADE_UP: Final = 80_000
_PUBLIC: Final = 16_000
_CALIBRATION: Final = 500
_GUESSED: Final = 8_500
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n\n+")


def train_tagger(checkpoint: Path, data: Path, out: Path) -> None:
    """Write the adapter and the ranges into ``out``; the catalog's hash of the graph changes with them."""
    weights = unpack_checkpoint((checkpoint / "onnx" / "model_q4.onnx").read_bytes())
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    sentences = _sentences(data)
    made_up = [made.text for made in Author(5, aside=False).write(_CALIBRATION)]
    config = BertConfig.from_json_file(str(checkpoint / "config.json"))
    texts = [text for text in _taught(checkpoint, tokenizer, sentences) if len(text.ids) <= MOST_TOKENS]
    adapter = train_adapter(weights, config, texts, AdapterRecipe())
    save_file(adapter, out / ADAPTER_FILE)
    windows = WindowTokenizer(checkpoint / "tokenizer.json")
    windows.load()
    graph = build_tagger(adapt(weights, adapter), None, probes=True)
    ranges = measure_ranges(graph, ("shares",), windows, made_up + sentences[:_CALIBRATION])
    save_ranges(ranges, out / TAGGER_RANGES_FILE)


def _taught(checkpoint: Path, tokenizer: Tokenizer, sentences: Sequence[str]) -> Iterator[Taught]:
    for made in Author(1, aside=False).write(_MADE_UP):
        yield teach(tokenizer, made.text, made.spans)
    rewriter = Rewriter(sentences, seed=99)
    named = [text for text in sentences if re.search(r"[a-z,] [A-Z][a-z]{2,}", text)][:_GUESSED]
    for text, guesses in zip(named, _guesses(checkpoint, tokenizer, named), strict=True):
        for variant in rewriter.variants(text, guesses):
            yield from [teach(tokenizer, *variant)] * 2  # counted twice beside the many made-up ones
    for text in set(sentences) - set(named):
        yield from [teach(tokenizer, *rewriter.plain(text))] * 2


def _sentences(data: Path) -> list[str]:
    """Public sentences that are not labelled as bad, in an order that depends on them alone."""
    examples = (*read_toxicity(data), *read_injection(data))
    benign = {example.text for example in examples if not any(example.labels.values())}
    found = {part.strip() for text in benign for part in _SENTENCE_END.split(text)}
    fitting = [part for part in found if 15 < len(part) < 300]
    return sorted(fitting, key=lambda text: share_of(text, "tagger"))[:_PUBLIC]


def _guesses(checkpoint: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[Guess]]:
    """The checkpoint's own classes of every token."""
    labels = json.loads((checkpoint / "config.json").read_text("utf-8"))["id2label"]
    session = onnxruntime.InferenceSession(str(checkpoint / "onnx" / "model_q4.onnx"))
    encodings = [tokenizer.encode(text) for text in texts]
    read: list[list[Guess]] = [[] for _ in texts]
    for batch in plan_batches([np.array(encoding.ids[:MOST_TOKENS], np.int32) for encoding in encodings]):
        ids, mask = batch.ids.astype(np.int64), batch.mask.astype(np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        logits = session.run(None, feed)[0]
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        for row, values in zip(batch.rows, shares, strict=True):
            offsets = encodings[row].offsets[1 : MOST_TOKENS - 1]
            best = values.argmax(axis=-1)[1:]
            read[row] = [
                Guess(start, end, labels[str(int(of))], float(part[of]))
                for (start, end), of, part in zip(offsets, best, values[1:], strict=False)
                if end > start
            ]
    return read
