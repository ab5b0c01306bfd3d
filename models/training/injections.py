"""Injections that the corpora lack, and their innocent neighbours: from templates, deterministic by seed.

Beside sentences: requests with optimised gibberish behind them, documents with and without an order to the assistant,
and what a prompt may hold that is no prose and no English.
"""

import base64
import codecs
import random
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.training.attacks import made_attacks, made_everyday
from models.training.augmentation import Phrases, fill, filled
from models.training.corpus import Example

_SENTENCES = (3, 9)  # of a made document, at least and at most
_BITS = (8, 22)  # of a suffix
_POISONINGS = 1  # of each document of the corpora
_FOREIGN_PAIRS = 500
_GARBLED = 600
_MASHED = 150
_BINARIES = 150


def augment_injection(examples: Sequence[Example], phrases: Phrases, seed: int) -> list[Example]:
    """Further training examples; only the documents and the benign among ``examples`` are built upon."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, nothing secret
    table = phrases.injection
    return [
        *_from_templates(table, chance, seed),
        *made_attacks(phrases.attacks, table["slots"]["sentence"], chance),
        *_made_documents(table, chance),
        *_poisoned([example for example in examples if example.kind == "document"], table, chance),
        *_no_prose(table["data"], chance),
        *_foreign(table["foreign"]["texts"], chance),
        *_garbled([example.text for example in examples if example.kind in ("benign", "trigger")], chance),
        *(_harmless(_mash(chance), "mash") for _ in range(_MASHED)),
        *(_harmless(_binary(chance), "data") for _ in range(_BINARIES)),
        *made_everyday(phrases.everyday, seed),
    ]


def _from_templates(table: Mapping[str, Any], chance: random.Random, seed: int) -> Iterator[Example]:
    inner = random.Random(seed)  # noqa: S311 - as above; for slots within slots
    for template in table["template"]:
        for sentence in filled(template, table["slots"], chance):
            text = fill(sentence, table["slots"], inner)
            whole = f"{text} {_gibberish(table['slots']['bit'], chance)}" if template.get("gibberish") else text
            yield Example(whole, "templates", template["kind"], {"injection": template["injection"]})


def _gibberish(bits: Sequence[str], chance: random.Random) -> str:
    """A suffix as gradient search finds it: tokens without sense, glued and spaced at random."""
    count = chance.randint(*_BITS)
    return "".join(chance.choice(bits) + chance.choice(("", " ", " ", ".", " (")) for _ in range(count)).strip()


def _made_documents(table: Mapping[str, Any], chance: random.Random) -> Iterator[Example]:
    for wanted in table["document"]:
        for _ in range(wanted["count"]):
            sentences = chance.sample(table["slots"]["sentence"], chance.randint(*_SENTENCES))
            if wanted["injection"]:
                sentences.insert(chance.randint(0, len(sentences)), _smuggled(table["slots"], chance))
            text = chance.choice((" ", " ", "\n")).join(sentences)
            yield Example(text, "templates", wanted["kind"], {"injection": wanted["injection"]})


def _poisoned(documents: Sequence[Example], table: Mapping[str, Any], chance: random.Random) -> Iterator[Example]:
    for document in documents:
        for _ in range(_POISONINGS):
            lines = document.text.split(". ")
            lines.insert(chance.randint(0, len(lines)), _smuggled(table["slots"], chance).rstrip("."))
            yield Example(". ".join(lines), "poisoned", "indirect", {"injection": 1})


def _smuggled(slots: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    text = fill(fill(chance.choice(slots["smuggle"]), slots, chance), slots, chance)
    return text[0].upper() + text[1:]


def _no_prose(data: Mapping[str, Any], chance: random.Random) -> Iterator[Example]:
    for _ in range(data["count"]):
        parts = [fill(chance.choice(data["texts"]), data["slots"], chance) for _ in range(chance.choice((1, 1, 2, 4)))]
        yield _harmless("\n".join(parts), "data")


def _foreign(texts: Sequence[str], chance: random.Random) -> Iterator[Example]:
    yield from (_harmless(text, "foreign") for text in texts)
    for _ in range(_FOREIGN_PAIRS):
        at = chance.randrange(len(texts) - 1)
        yield _harmless(f"{texts[at]} {texts[at + 1]}", "foreign")


def _garbled(texts: Sequence[str], chance: random.Random) -> Iterator[Example]:
    """Benign texts in disguise: a disguise alone is no attack, for what it hides is read undisguised as well."""
    for text in chance.sample(texts, min(_GARBLED, len(texts))):
        disguise = chance.choice(_DISGUISES)
        yield _harmless(disguise(text[:400]), "garbled")


def _mash(chance: random.Random) -> str:
    """What a hand makes that rests on a keyboard."""
    lengths = [chance.randint(2, 9) for _ in range(chance.randint(1, 6))]
    return " ".join("".join(chance.choice(string.ascii_lowercase) for _ in range(length)) for length in lengths)


def _binary(chance: random.Random) -> str:
    """An image, a key or a checksum as text, which decodes to nothing that can be read."""
    code = base64.b64encode(chance.randbytes(chance.randint(20, 200))).decode()
    return chance.choice(("{}", "Logo: data:image/png;base64,{}", "attachment: {}", "token={}", "sha512-{}")).format(
        code
    )


def _harmless(text: str, source: str) -> Example:
    return Example(text, source, "trigger" if source == "templates" else "data", {"injection": 0})


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _bold(text: str) -> str:
    return "".join(chr(0x1D41A + ord(sign) - ord("a")) if "a" <= sign <= "z" else sign for sign in text.lower())


def _spaced(text: str) -> str:
    return "  ".join(" ".join(word) for word in text.split())


def _dotted(text: str) -> str:
    return " ".join(".".join(word) for word in text.split())


_DISGUISES = (
    lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(),
    lambda text: text.encode("utf-8", "replace").hex(),
    lambda text: codecs.encode(text, "rot13"),
    lambda text: text[::-1],
    lambda text: text.translate(str.maketrans("aeiost", "431057")),
    lambda text: text.translate(str.maketrans("aeocpi", "аеосрі")),  # noqa: RUF001 - Cyrillic doubles
    _full_width,
    _bold,
    _spaced,
    _dotted,
)
