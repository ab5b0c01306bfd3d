"""``make chaos RUNS=n SEED=s``: real processes, a foreign client, and seeded faults; loses nothing or exits with 1.

Prints a line of JSON for each run and one with the sums. ``--record FILE`` adds each run's line, with its date, to a
file, and a seed that is in it already is not run again: runs add up over days.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from streams.local.ports import choose_port
from tests.chaos.account import Account, take_account
from tests.chaos.faults import Saboteur
from tests.chaos.machine import Machine
from tests.chaos.plan import Plan, plan
from tests.chaos.traffic import Client, Sent, sendings
from tests.fixtures.requester import Requester
from tests.fixtures.stack import LiveStack

_NOTHING = Account(
    seed=0, faults=0, produced=0, replies=0, verdicts=0, dead_letters=0, lost=0, double=0, strange=0, seconds=0.0
)


def main(arguments: list[str]) -> int:
    """Run the seeds that are wanted and not recorded yet; 1 if anything was lost, double or strange."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how many runs")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; the next ones follow it")
    parser.add_argument("--faults", type=int, default=6, help="faults of a run")
    parser.add_argument("--record", type=Path, help="where runs are kept")
    parser.add_argument("--home", type=Path, help="where the stack lives; kept afterwards")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended: the run at hand does not count"))  # the stack ends too
    done = _recorded(chosen.record)
    seeds = [seed for seed in range(chosen.seed, chosen.seed + chosen.runs) if seed not in done]
    with tempfile.TemporaryDirectory(prefix="weir-chaos-") as folder, Machine(chosen.home or Path(folder)) as machine:
        plans = [plan(seed, chosen.faults, machine.kinds) for seed in seeds]
        accounts = list(_runs(live_stack(machine), machine, plans, chosen.record))
    total = replace(_NOTHING, seed=chosen.seed)
    for each in accounts:
        sums = {name: value + asdict(each)[name] for name, value in asdict(total).items() if name != "seed"}
        total = Account(seed=chosen.seed, **sums)
    sys.stdout.write(json.dumps({"runs": len(accounts), **asdict(total)}) + "\n")
    return 0 if all(each.clean for each in accounts) else 1


def live_stack(machine: Machine) -> LiveStack:
    """The stack on the machine, with ports that clients find again after its supervisor was killed."""
    return LiveStack(
        machine.home, kafka_port=choose_port(), clickhouse_port=choose_port(), more=dict(machine.environment)
    )


def _runs(stack: LiveStack, machine: Machine, plans: list[Plan], record: Path | None) -> Iterator[Account]:
    if not plans:
        return
    stack.up()
    try:
        for each in plans:
            account = run(stack, machine, each)
            sys.stdout.write(account.line() + "\n")
            sys.stdout.flush()
            if record is not None:
                with record.open("a") as lines:
                    lines.write(json.dumps({"date": datetime.now(UTC).date().isoformat(), **asdict(account)}) + "\n")
            yield account
    finally:
        stack.down()


def run(stack: LiveStack, machine: Machine, plan: Plan) -> Account:
    """One run on a stack that is up."""
    started = time.monotonic()
    saboteur, client = Saboteur(stack, machine, plan), Client(stack.state.bootstrap, plan.source)
    with Requester(stack.state.bootstrap) as application:
        saboteur.start()
        sent = _send(client, plan)
        saboteur.join()
        client.close()
        account = take_account(stack, application, plan, sent, started)
    for error in saboteur.errors:
        sys.stderr.write(f"{plan.source}: a fault could not be carried out: {error!r}\n")
    return replace(account, strange=account.strange + len(saboteur.errors))


def _send(client: Client, plan: Plan) -> Sent:
    ids: dict[str, set[str]] = {"requests": set(), "interactions": set(), "feedback": set(), "labels": set()}
    garbage: set[tuple[str, int, int]] = set()
    begun, messages = time.monotonic(), 0
    for messages, each in enumerate(sendings(plan), start=1):
        time.sleep(max(0.0, begun + messages / plan.rate - time.monotonic()))
        place = client.send(each)
        if each.identity:
            ids[each.topic].add(each.identity)
        else:
            garbage.add(place)
    return Sent(
        garbage=frozenset(garbage), messages=messages, **{name: frozenset(found) for name, found in ids.items()}
    )


def _recorded(record: Path | None) -> set[int]:
    if record is None or not record.exists():
        return set()
    return {json.loads(line)["seed"] for line in record.read_text().splitlines()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
