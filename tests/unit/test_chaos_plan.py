"""What a chaos run does is decided by its seed, before anything is started."""

import pytest

from tests.chaos.plan import KINDS, PROCESSES, plan
from tests.chaos.traffic import sendings


def test_a_seed_says_all():
    """The same seed gives the same faults and the same messages; another one gives others."""
    assert plan(7) == plan(7)
    assert list(sendings(plan(7))) == list(sendings(plan(7)))
    assert plan(7).faults != plan(8).faults


@pytest.mark.parametrize("seed", range(20))
def test_faults_fall_into_the_traffic(seed):
    """Each comes while messages are sent, in order, to something that is there."""
    run = plan(seed, faults=10)
    moments = [fault.at for fault in run.faults]
    assert len(moments) == 10
    assert all(0 < moment < run.seconds for moment in moments)
    tables = {"verdicts", "replies", "ledger", "feedback", "labels"}
    known = {*PROCESSES, *tables, "supervisor", "worker", "infer", "disk", "machine"}
    assert {fault.target for fault in run.faults} <= known


def test_every_kind_of_fault_comes_up():
    """A few dozen seeds do everything to every process, and to the store and the clock."""
    faults = [fault for seed in range(60) for fault in plan(seed, faults=10).faults]
    for kind in ("kill", "end", "pause", "slow"):
        assert {fault.target for fault in faults if fault.kind == kind} >= set(PROCESSES)
    assert {fault.kind for fault in faults} == KINDS


def test_what_a_machine_cannot_do_is_not_planned():
    """Where no disk can be filled and no clock set, other faults come up as often."""
    faults = [fault for seed in range(60) for fault in plan(seed, 10, KINDS - {"full", "clock"}).faults]
    assert len(faults) == 600
    assert {fault.kind for fault in faults} == KINDS - {"full", "clock"}


def test_clocks_stay_within_what_settle_remembers():
    """From the earliest to the latest that a clock may be set lies less than a day."""
    jumps = [fault.hours for seed in range(200) for fault in plan(seed, faults=10).faults if fault.kind == "clock"]
    assert 0 < max(jumps) - min(jumps) < 24


def test_traffic_has_repeats_garbage_and_disorder():
    """Every id is sent, some twice, some out of order, among messages that nobody can read."""
    run = plan(3)
    sent = list(sendings(run))
    ids = [each.identity for each in sent if each.identity]
    assert len(set(ids)) == run.requests + run.interactions + run.opinions + run.labels < len(ids)
    assert ids != sorted(ids, key=lambda identity: int(identity.rpartition("-")[2]))
    assert any(not each.identity for each in sent)
    assert {each.topic for each in sent} == {"requests", "interactions", "feedback", "labels"}
    assert any(b'"stream": true' in each.value for each in sent)
