"""Attacks by grammar and, from the same frames and words, what is harmless: ``attacks.toml``, ``everyday.toml``."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from models.training.augmentation import fill, filled
from models.training.corpus import Example

Slots = Mapping[str, Sequence[str]]

_DEPTH: Final = 4  # of slots within slots
_AROUND: Final = (2, 6)  # sentences around an order that stands in a document


def made_attacks(table: Mapping[str, Any], sentences: Sequence[str], chance: random.Random) -> Iterator[Example]:
    """Examples of every section of the table; ``sentences`` are what its documents are filled up with."""
    yield from _plain(table, chance)
    for framed in table["framed"]:
        yield from _framed(framed, table, chance)
    yield from _orders(table["agents"], sentences, chance)
    for section in (table["states"], table["abroad"]):
        yield from _plain(section, chance)


def made_everyday(table: Mapping[str, Any], seed: int) -> Iterator[Example]:
    """Examples of ``everyday.toml``. Each template draws by itself: one more changes nothing of the others."""
    for template in table["template"]:
        chance = random.Random(f"{seed} {template['name']}")  # noqa: S311 - reproducible, nothing secret
        yield from _plain({**table, "template": [template]}, chance)


def _plain(section: Mapping[str, Any], chance: random.Random) -> Iterator[Example]:
    for template in section["template"]:
        for text in _sentences(template, section["slots"], chance):
            yield _example(text, template["injection"], template.get("kind"))


def _framed(framed: Mapping[str, Any], table: Mapping[str, Any], chance: random.Random) -> Iterator[Example]:
    """Each of the frames with aims and sages of the kind that is wanted."""
    slots = {**table["slots"], "aim": table["slots"][framed["aims"]], "sage": table["slots"][framed["sages"]]}
    for text in _sentences({**framed, **table["frames"]}, slots, chance):
        yield _example(text, framed["injection"], framed["kind"])


def _orders(section: Mapping[str, Any], sentences: Sequence[str], chance: random.Random) -> Iterator[Example]:
    """Half of them alone, half inside a document."""
    for template in section["template"]:
        for order in _sentences(template, section["slots"], chance):
            if chance.random() < 0.5:
                yield _example(order, template["injection"])
                continue
            parts = chance.sample(sentences, chance.randint(*_AROUND))
            parts.insert(chance.randint(0, len(parts)), order)
            yield _example(" ".join(parts), template["injection"], "indirect" if template["injection"] else "document")


def _sentences(template: Mapping[str, Any], slots: Slots, chance: random.Random) -> Iterator[str]:
    for sentence in filled(template, slots, chance):
        text = sentence
        for _ in range(_DEPTH):
            text = fill(text, slots, chance)
        yield text


def _example(text: str, injection: int, kind: str | None = None) -> Example:
    return Example(text, "templates", kind or ("injection" if injection else "trigger"), {"injection": injection})
