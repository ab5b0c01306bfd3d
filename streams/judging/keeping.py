"""What goes into the vault: the raw texts of events that are stored masked, or that people are asked about."""

from collections.abc import Iterator

from guards.exchange import Exchange
from guards.guard import Side
from schemas.actions import Action
from schemas.record import Record
from schemas.verdict import Judgement, Stage
from streams.judging.flow import Arrival, Ruling
from streams.stage import Publications
from streams.vault.keeper import EventName, Keeper, subject_of


def kept(keeper: Keeper, stage: Stage, arrival: Arrival[Record], ruling: Ruling) -> Publications:
    """The vault's records of an event; none where the verdict shows all of it and nobody has to decide.

    The texts are named ``prompt``, ``response``, ``context.0``, ``context.1``…
    """
    raw = dict(_texts(ruling.exchange))
    if ruling.judgement.action is not Action.HOLD and list(raw.values()) == list(_masked(ruling.judgement)):
        return ()
    subject = arrival.subject
    event = EventName(subject.app, arrival.envelope.source, arrival.envelope.id, stage)
    return tuple(keeper.keep(subject_of(subject.app, subject.user, subject.conversation), raw, event))


def _texts(exchange: Exchange) -> Iterator[tuple[str, str]]:
    passages = 0
    for side in exchange.sides():
        if side.side is Side.CONTEXT:
            yield f"{side.side}.{passages}", side.text
            passages += 1
        else:
            yield side.side, side.text


def _masked(judgement: Judgement) -> Iterator[str]:
    """The texts as the verdict shows them, in the order of ``Exchange.sides``."""
    for side in (judgement.prompt, judgement.response, *(judgement.context or ())):
        if side is not None:
            yield side.text
