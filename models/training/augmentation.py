"""Sentences that the corpora lack: templates, condemning quotations, spelling noise. Deterministic by seed.

A head learns from the corpora that certain words are toxic wherever they stand. The added sentences show the same
words reported, reclaimed, aimed at nobody or meant literally, and plain abuse without those words.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from models.training.corpus import Example

QUOTABLE_CHARS = 160
NOISY_TOXIC_TEXTS = 5000
NOISY_CLEAN_TEXTS = 3000  # else noise itself would look toxic
_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z']+")
_LOOKALIKES = str.maketrans({"a": "@", "e": "3", "i": "1", "o": "0", "s": "$"})
_JOINTS = (".", "*", "-", "\u200b")  # what is put between letters


@dataclass(frozen=True, slots=True)
class Phrases:
    """The tables ``phrases.toml``, ``injection.toml``, ``attacks.toml`` and ``everyday.toml``."""

    table: Mapping[str, Any]
    injection: Mapping[str, Any]
    attacks: Mapping[str, Any]
    everyday: Mapping[str, Any]

    @classmethod
    def load(cls) -> "Phrases":
        folder = resources.files("models.training")
        names = ("phrases.toml", "injection.toml", "attacks.toml", "everyday.toml")
        return cls(*(tomllib.loads((folder / name).read_text("utf-8")) for name in names))


def augment_toxicity(examples: Sequence[Example], phrases: Phrases, seed: int) -> list[Example]:
    """Further training examples made from templates and from ``examples``."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, nothing secret
    added = [
        Example(text, f"templates/{template['kind']}", "toxic" if template["toxic"] else "clean", _labels(template))
        for template in phrases.table["template"]
        for text in filled(template, phrases.table["slots"], chance)
    ]
    toxic = [example for example in examples if example.labels["toxicity"]]
    clean = [example for example in examples if not example.labels["toxicity"]]
    harmless = dict.fromkeys(("toxicity", *_FINE), 0)
    short = [example for example in toxic if len(example.text) <= QUOTABLE_CHARS]
    added += [Example(text, "frames", "clean", harmless) for _, text in _around(short, phrases.table["frames"], chance)]
    added += [
        Example(text, "wraps", "toxic", example.labels)
        for example, text in _around(short, phrases.table["wraps"], chance)
    ]
    noisy = chance.sample(toxic, min(NOISY_TOXIC_TEXTS, len(toxic)))
    noisy += chance.sample(clean, min(NOISY_CLEAN_TEXTS, len(clean)))
    added += [Example(_misspelt(example.text, chance), "noise", example.kind, example.labels) for example in noisy]
    return added


def _around(
    examples: Sequence[Example], table: Mapping[str, Any], chance: random.Random
) -> Iterator[tuple[Example, str]]:
    """Some of the examples, each with its text put into one of the table's."""
    for example in chance.sample(examples, min(table["count"], len(examples))):
        yield example, chance.choice(table["texts"]).replace("{quote}", example.text.strip().rstrip('"'))


def merely_swears(example: Example, phrases: Phrases) -> bool:
    """Whether a paradetox positive swears at nobody: such rows are dropped, their label is a matter of taste."""
    if example.source != "paradetox" or not example.labels["toxicity"]:
        return False
    rule = phrases.table["swearing"]
    words = set(_WORD.findall(example.text.lower()))
    swears = any(stem in word for word in words for stem in rule["stems"])
    return swears and words.isdisjoint(rule["targets"])


_FINE = ("threat", "insult", "identity_attack", "obscene", "sexual_explicit")


def _labels(template: Mapping[str, Any]) -> dict[str, int]:
    if template["toxic"]:
        return {"toxicity": 1, **template["labels"]}
    return dict.fromkeys(("toxicity", *_FINE), 0)


def fill(text: str, slots: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """The text with a word drawn for every slot; what a drawn word has in braces stays."""
    return _SLOT.sub(lambda slot: chance.choice(slots[slot.group(1)]), text)


def filled(template: Mapping[str, Any], slots: Mapping[str, Sequence[str]], chance: random.Random) -> Iterator[str]:
    """Up to ``count`` distinct sentences of a template."""
    seen: set[str] = set()
    for _ in range(template["count"] * 2):
        text = fill(chance.choice(template["texts"]), slots, chance)
        if chance.random() < 0.3:  # as people type
            text = text.lower()
        elif text[0].islower() and chance.random() < 0.5:
            text = text[0].upper() + text[1:]
        if text not in seen and len(seen) < template["count"]:
            seen.add(text)
            yield text


def _misspelt(text: str, chance: random.Random) -> str:
    """The text with a few of its longer words misspelt in the ways people use against filters."""
    words = text.split(" ")
    if len(words) > 1 and chance.random() < 0.1:  # words run together
        place = chance.randrange(len(words) - 1)
        return " ".join([*words[:place], "".join(words[place : place + 4]), *words[place + 4 :]])
    places = [place for place, word in enumerate(words) if len(word) > 3]
    for place in chance.sample(places, min(len(places), 1 + len(places) // 4)):
        words[place] = _twisted(words[place], chance)
    return " ".join(words)


def _twisted(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    return chance.choice(
        (
            word.translate(_LOOKALIKES),
            word.translate(_LOOKALIKES),
            word[:at] + word[at + 1 :],
            word[:at] + word[at] * 3 + word[at:],
            word[:at] + "*" + word[at + 1 :],
            word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            word[:at] + " " + word[at:],
            chance.choice(_JOINTS).join(word) if len(word) < 8 else word.upper(),
            " ".join(word) if len(word) < 8 else word.upper(),
        )
    )
