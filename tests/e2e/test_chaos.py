"""One short run of chaos, always the same; `make chaos` has longer ones, each another."""

import pytest

from tests.chaos.__main__ import live_stack, run
from tests.chaos.machine import Machine
from tests.chaos.plan import Fault, Plan

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store, pytest.mark.weights,
    pytest.mark.timeout(900),
]  # fmt: skip

FAULTS = (
    Fault(0.5, "full", "disk", 2.5),
    Fault(0.8, "kill", "worker-1"),
    Fault(1.5, "clock", "machine", 3.0, hours=1.0),
    Fault(2.0, "kill", "settle"),
    Fault(2.5, "readonly", "verdicts", 1.5),
    Fault(3.0, "slow", "store", 2.0),
    Fault(3.5, "end", "infer-1"),
    Fault(4.0, "kill", "kafka"),
    Fault(4.2, "clock", "machine", 2.0, hours=-1.0),
    Fault(4.4, "kill", "clickhouse"),
    Fault(4.6, "pause", "store", 2.0),
)


def test_many_faults_at_once_lose_nothing(tmp_path):
    """A full disk, clocks, kills and pauses: one final reply, one verdict a stage, one dead letter, a clean audit."""
    with Machine(tmp_path) as machine:
        faults = tuple(fault for fault in FAULTS if fault.kind in machine.kinds)
        stack = live_stack(machine)
        stack.up()
        try:
            plan = Plan(seed=1, requests=40, interactions=12, rate=12.0, faults=faults, opinions=8, labels=4)
            account = run(stack, machine, plan)
        finally:
            stack.down()
    assert account.clean, account.line()
    assert account.faults == len(faults) >= 8
