"""The supervisor with real processes: order, readiness, crashes, signals, and its own death."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from streams.local.state import (
    ProcessState,
    StackState,
    read_state,
    remove_state,
    sole_supervisor,
    start_time,
    stop_stack,
    write_state,
)
from tests.fixtures.processes import runs

# A stack of two tiers: `engine` is ready once its file is there; the workers say when they start and end.
STACK = """
import json, sys
from pathlib import Path
from rich.console import Console
from streams.local.console import PrefixedConsole
from streams.local.process import ProcessSpec
from streams.local.supervisor import Supervisor

home = Path(sys.argv[1])
options = json.loads(sys.argv[2])
child = (sys.executable, "-S", "-c", (home / "child.py").read_text())

def spec(name, tier, **more):
    return ProcessSpec(name, (*child, str(home), name, options.get(name, "")), tier=tier,
                       ready=(home / f"{name}.ready").exists, ready_deadline_s=120,
                       grace_s=1.0 if options.get(name) == "deaf" else 60.0, **more)

def changed(processes, ready):
    state = {p.name: [p.pid, p.restarts] for p in processes} | {"ready": ready}
    (home / "told.new").write_text(json.dumps(state))
    (home / "told.new").replace(home / "told.json")

before = {1: lambda: (home / "events").open("a").write("before 1\\n")}
specs = [spec("worker-a", 1), spec("worker-b", 1), spec("engine", 0)]
Supervisor(specs, home / "logs", PrefixedConsole(Console(width=200), 8), before, changed).run()
"""
CHILD = """
import os, signal, sys, time
from pathlib import Path
home, name, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def note(what):
    with (home / "events").open("a") as events:
        events.write(f"{what} {name}\\n")
def end(*_):
    note("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "deaf" else end)
note("start")
print("a line of", name, flush=True)
if mode == "broken":
    sys.exit(3)
if mode == "slow":
    time.sleep(1)
if mode == "never ready":
    time.sleep(300)
(home / f"{name}.ready").touch()
time.sleep(300)
"""


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, home, **options):
        self.home = home
        (home / "child.py").write_text(CHILD)
        (home / "stack.py").write_text(textwrap.dedent(STACK))
        command = [sys.executable, str(home / "stack.py"), str(home), json.dumps(options)]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        self.output = (home / "output").open("w+")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.output, env=environment)

    @property
    def told(self):
        path = self.home / "told.json"
        return json.loads(path.read_text()) if path.exists() else {"ready": False}

    @property
    def events(self):
        return (self.home / "events").read_text().splitlines()

    def until(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.home / "output").read_text()
            time.sleep(0.02)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


@pytest.fixture
def run(tmp_path):
    """Start a supervisor; it is killed after the test."""
    started = []

    def start(**options):
        started.append(Running(tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_tiers_start_in_order_and_end_in_reverse(run):
    """A tier starts when the one before is ready and its work is done; SIGTERM ends the last tier first."""
    supervisor = run(engine="slow")
    supervisor.until(lambda: supervisor.told["ready"])
    assert supervisor.events[:2] == ["start engine", "before 1"]
    assert sorted(supervisor.events[2:]) == ["start worker-a", "start worker-b"]
    supervisor.process.terminate()
    assert supervisor.process.wait(120) == 0
    assert sorted(supervisor.events[4:6]) == ["end worker-a", "end worker-b"]
    assert supervisor.events[6:] == ["end engine"]


def test_ctrl_c_reaches_the_supervisor_only(run):
    """SIGINT to the supervisor ends the stack as SIGTERM does; children have sessions of their own."""
    supervisor = run()
    supervisor.until(lambda: supervisor.told["ready"])
    assert all(os.getsid(supervisor.told[name][0]) != os.getsid(0) for name in ("engine", "worker-a"))
    supervisor.process.send_signal(signal.SIGINT)
    assert supervisor.process.wait(120) == 0
    assert supervisor.events[-1] == "end engine"


def test_a_crashed_child_comes_back(run):
    """A killed child is started again, counted, and said to have ended."""
    supervisor = run()
    supervisor.until(lambda: supervisor.told["ready"])
    pid = supervisor.told["worker-a"][0]
    os.kill(pid, signal.SIGKILL)
    supervisor.until(lambda: supervisor.told["worker-a"][0] not in (0, pid))
    assert supervisor.told["worker-a"][1] == 1
    assert supervisor.told["worker-b"][1] == 0
    output = (supervisor.home / "output").read_text()
    assert "worker-a │ ended with status -9; starting again in 0.5 s" in output


def test_a_deaf_child_is_killed(run):
    """A child that ignores SIGTERM is killed after its grace, and the rest still ends in order."""
    supervisor = run(**{"worker-a": "deaf"})
    supervisor.until(lambda: supervisor.told["ready"])
    pid = supervisor.told["worker-a"][0]
    supervisor.process.terminate()
    assert supervisor.process.wait(120) == 0
    assert not runs(pid)
    assert supervisor.events[-1] == "end engine"


def test_a_child_that_cannot_start_ends_the_stack(run):
    """After a few attempts the supervisor gives up, names the process and its log, and leaves nothing running."""
    supervisor = run(**{"worker-b": "broken"})
    assert supervisor.process.wait(120) != 0
    output = (supervisor.home / "output").read_text()
    assert "worker-b ended with status 3; see" in output
    assert supervisor.events[-1] == "end engine"


def test_a_signal_while_starting(run):
    """A stop that comes before everything is ready is obeyed."""
    supervisor = run(engine="never ready")
    supervisor.until((supervisor.home / "events").exists)
    supervisor.process.terminate()
    assert supervisor.process.wait(120) == 0
    assert supervisor.events[-1] == "end engine"
    assert "start worker-a" not in supervisor.events


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties the processes")
def test_children_die_with_a_killed_supervisor(run):
    """After kill -9 of the supervisor no child is left."""
    supervisor = run()
    supervisor.until(lambda: supervisor.told["ready"])
    pids = [supervisor.told[name][0] for name in ("engine", "worker-a", "worker-b")]
    supervisor.process.kill()
    supervisor.process.wait()
    supervisor.until(lambda: not any(map(runs, pids)))


def test_lines_go_to_the_console_and_to_files(run):
    """Every line stands behind its process's name on the console, and alone in the process's file."""
    supervisor = run()
    supervisor.until(lambda: supervisor.told["ready"])
    supervisor.process.terminate()
    supervisor.process.wait(120)
    assert "engine   │ a line of engine\n" in (supervisor.home / "output").read_text()
    assert (supervisor.home / "logs" / "worker-a.log").read_text() == "a line of worker-a\n"


def test_a_home_has_one_supervisor(tmp_path):
    """The second one is refused with the first one's pid; the lock goes with its holder."""
    with sole_supervisor(tmp_path), pytest.raises(ConfigError, match=rf"pid {os.getpid()}"), sole_supervisor(tmp_path):
        pass
    with sole_supervisor(tmp_path):
        pass


def state_of(pid, started=None):
    process = ProcessState("kafka", pid, 0, None)
    return StackState(
        pid, start_time(pid) if started is None else started, True, "h:1", "weir", "http://h:2", "weir", (process,)
    )


def test_state_returns_while_its_process_runs(tmp_path):
    """What was written is read, until the process is gone, is a zombie or has another start time."""
    assert read_state(tmp_path) is None
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        state = state_of(process.pid)
        write_state(tmp_path, state)
        assert read_state(tmp_path) == state
        write_state(tmp_path, state_of(process.pid, started=1))
        assert read_state(tmp_path) is None
        write_state(tmp_path, state)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert read_state(tmp_path) is None
    remove_state(tmp_path)
    remove_state(tmp_path)
    assert read_state(tmp_path) is None


def test_stop_waits_for_the_end(tmp_path):
    """Stopping sends SIGTERM and returns when the process is gone; without a stack it says so."""
    assert not stop_stack(tmp_path, 1)
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"]) as process:
        write_state(tmp_path, state_of(process.pid))
        assert stop_stack(tmp_path, 120)
        assert process.wait(120) == -signal.SIGTERM
