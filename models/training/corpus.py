"""The labelled data: JSON lines, gzip, one file a task. See the data folder's own README for sources and biases."""

import gzip
import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. ``labels`` holds 0 or 1 by label; a label that is absent is unknown."""

    text: str = field(repr=False)
    source: str
    kind: str
    labels: Mapping[str, int]


def read_toxicity(folder: Path) -> Iterator[Example]:
    """Rows of ``toxicity.jsonl.gz``; fine labels are 0 where the text is not toxic, else as given or unknown."""
    for row in _rows(folder / "toxicity.jsonl.gz"):
        toxic, fine = int(row["toxic"]), row["labels"]
        known = {"toxicity": toxic}
        for ours, theirs in FINE_LABELS.items():
            if not toxic:
                known[ours] = 0
            elif theirs in fine:
                known[ours] = int(fine[theirs])
        yield Example(row["text"], row["source"], "toxic" if toxic else "clean", known)


def read_injection(folder: Path) -> Iterator[Example]:
    """Rows of ``injection.jsonl.gz`` with the one label ``injection``."""
    for row in _rows(folder / "injection.jsonl.gz"):
        yield Example(row["text"], row["source"], row["kind"], {"injection": int(row["injection"])})


def read_kinds() -> list[Example]:
    """The sentences of ``kinds.toml``, by hand; ``kind`` is what they show."""
    table = tomllib.loads((resources.files("models.training") / "kinds.toml").read_text("utf-8"))
    return [
        Example(text, "by hand", each["name"], {"toxicity": each["toxic"]})
        for each in table["kind"]
        for text in each["texts"]
    ]


FINE_LABELS = {
    "threat": "threat",
    "insult": "insult",
    "identity_attack": "identity_attack",
    "obscene": "obscene",
    "sexual_explicit": "sexual",
}


def in_fixed_order(examples: Iterable[Example]) -> list[Example]:
    """The examples in an order that depends on their texts alone and mixes the sources."""
    return sorted(examples, key=lambda example: share_of(example.text, "order"))


def share_of(text: str, purpose: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments: what splits are made of."""
    digest = hashlib.blake2b(f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def fingerprint(examples: Sequence[Example]) -> str:
    """SHA-256 of all texts and labels, in order: which data a model was trained on."""
    digest = hashlib.sha256()
    for example in examples:
        line = json.dumps([example.text, example.source, example.kind, sorted(example.labels.items())])
        digest.update(line.encode())
    return digest.hexdigest()


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise ConfigError(f"there is no {path.name} in the data folder", field="data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
