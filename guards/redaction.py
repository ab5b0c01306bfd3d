"""Exchanges with their sensitive spans replaced by numbered placeholders, in a way that can be undone.

The placeholder of a value is ``<LABEL_N>``, such as ``<EMAIL_ADDRESS_1>``. No text of the exchange holds it before,
so that putting the values back touches nothing else. Offsets are code points of a side's text (``guards.exchange``).
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from guards.exchange import SEPARATOR, Exchange
from guards.guard import Hit
from guards.masking import placeholder
from guards.operators import Operators
from guards.spans import resolve, shift
from schemas.actions import Action
from schemas.conversation import Message
from schemas.verdict import Finding, Judgement, SideJudgement

_BRACKETED: Final = re.compile("<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Redacted:
    """An exchange with placeholders in it, and the value that each of them stands for.

    ``changed`` tells whether anything was redacted at all, in a way that can be undone or not.
    """

    exchange: Exchange
    placeholders: Mapping[str, str] = field(repr=False)
    changed: bool = False


def redact(
    exchange: Exchange, judgement: Judgement, reserved: Collection[str] = (), operators: Operators | None = None
) -> Redacted:
    """The exchange with every span that the judgement wants redacted replaced; the same value, the same placeholder.

    A conversation that goes on keeps its placeholders: they are numbered in the order of its messages.

    A text that a guard could not read, which the policy wants redacted all the same, is replaced as a whole. What
    was not judged stays as it is. Placeholders that are ``reserved`` stand for something else already.
    """
    numbering = Numbering(exchange, reserved, operators or Operators())
    prompt, response, context = exchange.prompt, exchange.response, exchange.context
    if prompt is not None and judgement.prompt is not None:
        prompt = _redacted_messages(prompt, judgement.prompt, numbering)
    if response is not None and judgement.response is not None:
        response = _redacted(response, _hits(response, judgement.response), numbering)
    if context is not None and judgement.context is not None:
        pairs = zip(context, judgement.context, strict=True)
        context = tuple(_redacted(text, _hits(text, judged), numbering) for text, judged in pairs)
    changed = replace(exchange, prompt=prompt, response=response, context=context)
    return Redacted(changed, numbering.values(), changed=numbering.used)


def restore(text: str, placeholders: Mapping[str, str]) -> str:
    """The text with every placeholder replaced by its value. What looks like one and is not stays as it is."""
    return _BRACKETED.sub(lambda found: placeholders.get(found[0], found[0]), text) if placeholders else text


class Numbering:
    """Gives each value of one exchange a placeholder of its own, or what the policy wants in its place."""

    def __init__(self, exchange: Exchange, reserved: Collection[str], operators: Operators) -> None:
        self._exchange = exchange
        self._reserved = reserved
        self._operators = operators
        self.used = False
        self._given: dict[str, str] = {}
        self._count: Counter[str] = Counter()

    def of(self, value: str, label: str) -> str:
        self.used = True
        other = self._operators.replacement(value, label)
        if other is not None:
            return other
        if value not in self._given:
            self._given[value] = self._next(label)
        return self._given[value]

    def values(self) -> Mapping[str, str]:
        return {name: value for value, name in self._given.items()}

    @cached_property
    def _taken(self) -> frozenset[str]:
        """What looks like a placeholder and stands for itself; most exchanges have nothing redacted and never ask."""
        return frozenset(found for text in _texts(self._exchange) for found in _BRACKETED.findall(text))

    def _next(self, label: str) -> str:
        while True:
            self._count[label] += 1
            name = placeholder(f"{label}_{self._count[label]}")
            if name not in self._taken and name not in self._reserved:
                return name


def _texts(exchange: Exchange) -> Iterator[str]:
    yield from (message.content for message in exchange.prompt or ())
    yield exchange.response or ""
    yield from exchange.context or ()


def _redacted_messages(
    messages: tuple[Message, ...], judged: SideJudgement, numbering: Numbering
) -> tuple[Message, ...]:
    hits = _hits(SEPARATOR.join(message.content for message in messages), judged)
    if not hits:
        return messages
    starts, ends = [hit.start for hit in hits], [hit.end for hit in hits]  # both ascend: the hits are disjoint
    redacted, offset = [], 0
    for message in messages:
        end = offset + len(message.content)
        mine = shift(hits[bisect_right(ends, offset) : bisect_left(starts, end)], -offset)
        redacted.append(message.model_copy(update={"content": _redacted(message.content, mine, numbering)}))
        offset = end + len(SEPARATOR)
    return tuple(redacted)


def _redacted(text: str, hits: Iterable[Hit], numbering: Numbering) -> str:
    pieces, position, dropped = [], 0, ""
    for hit in hits:
        start, end = max(hit.start, 0), min(hit.end, len(text))  # a hit may reach into the messages around
        if start < end:
            pieces += [text[position:start], numbering.of(text[start:end], hit.label)]
            position, dropped = end, hit.label
    redacted = "".join([*pieces, text[position:]])
    # A message of which nothing is left would be no message.
    return redacted if redacted.strip() or not dropped else placeholder(dropped)


def _hits(text: str, judged: SideJudgement) -> tuple[Hit, ...]:
    return resolve(_hit(text, finding) for finding in judged.findings if finding.action is Action.REDACT)


def _hit(text: str, finding: Finding) -> Hit:
    """The finding's span; all of the text for one without."""
    end = len(text) if finding.end is None else finding.end
    return Hit(finding.label, finding.score or 0.0, finding.start or 0, end)
