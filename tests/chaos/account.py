"""What became of a run: every request and every input accounted for, from the topics and the store alone."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.chaos.plan import Plan
from tests.chaos.traffic import Sent, label_id
from tests.fixtures.requester import Requester
from tests.fixtures.stack import LiveStack

_SETTLE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Account:
    """Figures of one run, or sums of several.

    ``lost`` are requests without a final reply, inputs without a verdict of a stage that they had to pass and garbage
    without a dead letter; ``double`` are second ones of each; ``strange`` is everything else that disagrees: a reply
    that is not the settled one, an id that nobody produced, an audit that is not complete.
    """

    seed: int
    faults: int
    produced: int
    replies: int
    verdicts: int
    dead_letters: int
    lost: int
    double: int
    strange: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, double or strange."""
        return not (self.lost or self.double or self.strange)

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Found:
    """What the topics and the store hold of a run.

    ``finals`` are the ids of final replies by request, ``settled`` the settled one; ``verdicts`` are counted by stage
    and event, feedback as of ``collect`` and labels as of ``label``, ``letters`` by where the message stands.
    ``audited`` tells whether the audit passed.
    """

    finals: Mapping[str, Sequence[str]]
    settled: Mapping[str, str]
    verdicts: Mapping[tuple[str, str], int]
    letters: Mapping[tuple[str, int, int], int]
    audited: bool


@dataclass(frozen=True, slots=True)
class Faults:
    """How much of a run is lost, double and strange, as in ``Account``."""

    lost: int
    double: int
    strange: int


def compare(sent: Sent, found: Found) -> Faults:
    """What was sent against what is there."""
    needed = [("screen", identity) for identity in sent.requests]
    needed += [("observe", identity) for identity in sent.interactions]
    needed += [("collect", identity) for identity in sent.feedback]
    needed += [("label", identity) for identity in sent.labels]
    counts = [len(found.finals.get(identity, ())) for identity in sent.requests]
    counts += [found.verdicts.get(at, 0) for at in needed]
    counts += [found.letters.get(place, 0) for place in sent.garbage]
    others = [count for at, count in found.verdicts.items() if at not in set(needed)]
    known = sent.requests | sent.interactions | sent.feedback | sent.labels
    seen = {identity for _, identity in found.verdicts} | found.settled.keys()
    unsettled = sum(bool(ids) and found.settled.get(identity) != ids[0] for identity, ids in found.finals.items())
    return Faults(
        lost=counts.count(0),
        double=sum(max(0, count - 1) for count in (*counts, *others)),
        strange=unsettled + len(seen - known) + (not found.audited),
    )


def take_account(stack: LiveStack, application: Requester, plan: Plan, sent: Sent, started: float) -> Account:
    """Wait until everything has come to its end, or for minutes, and count."""
    _wait(stack, application, sent)
    finals = {identity: [reply["event_id"] for reply in application.final(identity)] for identity in sent.requests}
    verdicts = {**_verdicts(stack, plan), **_opinions(stack, plan), **_labels(stack, sent)}
    found = Found(finals, _settled(stack, plan), verdicts, _letters(stack, sent), _audit_passes(stack))
    return Account(
        seed=plan.seed,
        faults=len(plan.faults),
        produced=sent.messages,
        replies=sum(map(len, found.finals.values())),
        verdicts=sum(found.verdicts.values()),
        dead_letters=sum(found.letters.values()),
        seconds=round(time.monotonic() - started, 1),
        **asdict(compare(sent, found)),
    )


def _wait(stack: LiveStack, application: Requester, sent: Sent) -> None:
    end = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < end:
        try:
            if application.answered(sent.requests) == len(sent.requests) and _all_done(stack):
                return
        except (OSError, AssertionError, AttributeError, ValueError):  # the store or the whole stack may still be away
            pass
        time.sleep(1)


def _all_done(stack: LiveStack) -> bool:
    audit = json.loads(stack.told("audit", "--json"))
    return not any(total["in_flight"] or total["missing"] for total in audit["totals"])


def _audit_passes(stack: LiveStack) -> bool:
    try:
        stack.weir("audit")
    except AssertionError:  # it ended with another status
        return False
    return True


def _settled(stack: LiveStack, plan: Plan) -> dict[str, str]:
    rows = stack.sql(
        "SELECT request_id, toString(reply_id) AS reply_id FROM v_settlements "
        f"WHERE source = '{plan.source}' AND state = 'settled'"
    )
    return {row["request_id"]: row["reply_id"] for row in rows}


def _verdicts(stack: LiveStack, plan: Plan) -> dict[tuple[str, str], int]:
    rows = stack.sql(
        "SELECT stage, source_event_id AS id, toUInt32(count()) AS verdicts FROM v_verdicts "
        f"WHERE source = '{plan.source}' AND run = 'live' AND code != 'ID_CONFLICT' GROUP BY stage, id"
    )
    return {(row["stage"], row["id"]): int(row["verdicts"]) for row in rows}


def _opinions(stack: LiveStack, plan: Plan) -> dict[tuple[str, str], int]:
    rows = stack.sql(
        "SELECT source_event_id AS id, toUInt32(count()) AS opinions FROM v_feedback "
        f"WHERE source = '{plan.source}' GROUP BY id"
    )
    return {("collect", row["id"]): int(row["opinions"]) for row in rows}


def _labels(stack: LiveStack, sent: Sent) -> dict[tuple[str, str], int]:
    rows = stack.sql("SELECT toString(label_id) AS id, toUInt32(count()) AS labels FROM v_labels GROUP BY id")
    found = {row["id"]: int(row["labels"]) for row in rows}
    return {("label", each): found[label_id(each)] for each in sent.labels if label_id(each) in found}


def _letters(stack: LiveStack, sent: Sent) -> dict[tuple[str, int, int], int]:
    rows = stack.sql(
        "SELECT topic, partition, toUInt32(offset) AS place, toUInt32(count()) AS letters FROM v_dead_letters "
        "WHERE topic IN ('weir.requests', 'weir.interactions') GROUP BY topic, partition, place"
    )
    found = {(row["topic"], int(row["partition"]), int(row["place"])): int(row["letters"]) for row in rows}
    return {place: count for place, count in found.items() if place in sent.garbage}
