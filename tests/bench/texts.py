"""Texts to measure with: made from the demo's words, every one different, so that no cache helps."""

import json
import random
from pathlib import Path

import deploy

_CORPUS = Path(deploy.__file__).parent / "demo" / "interactions.jsonl"


def words() -> list[str]:
    """The words of the demo's clean prompts and responses, sorted.

    Not of its attacks: with "Ign0re" and "w1thout" among them every seventh text would be read a second time,
    undisguised, where in ordinary traffic it is one in two hundred.
    """
    found = set()
    for line in _CORPUS.read_text().splitlines():
        row = json.loads(line)
        body = row["body"] if row.get("kind") == "clean" else {}
        for text in (body.get("prompt"), body.get("response")):
            if isinstance(text, str) and "{{" not in text and text.isascii():
                found.update(text.split())
    return sorted(found)


def texts(count: int, words_each: int, seed: int) -> list[str]:
    """``count`` texts of about ``words_each`` words."""
    source = random.Random(seed)
    vocabulary = words()
    return [" ".join(source.choices(vocabulary, k=words_each)) for _ in range(count)]


def interactions(count: int, seed: int) -> list[dict[str, object]]:
    """Interactions with a prompt of some 20 and a response of some 40 words."""
    pairs = zip(texts(count, 20, seed), texts(count, 40, seed + 1), strict=True)
    return [{"app": "default", "prompt": prompt, "response": response} for prompt, response in pairs]
