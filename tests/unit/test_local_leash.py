"""A leashed process ends with its owner, and only then."""

import os
import signal
import subprocess
import sys
import time

import pytest

from streams.local.leash import leashed

SLEEP = (sys.executable, "-S", "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(300)")


def gone(pid, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def owner_of(command):
    """A process that runs a leashed command, and the command's pid."""
    code = f"import os, subprocess, sys; from streams.local.leash import leashed; \
subprocess.run(leashed(os.getpid(), {command!r}))"
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    return owner, int(owner.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties the processes")
def test_the_child_of_a_killed_parent_dies():
    """SIGKILL of the parent takes the command with it."""
    owner, pid = owner_of(SLEEP)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties the processes")
def test_the_command_keeps_the_pid():
    """The leash becomes the command: signals and pids are the command's own."""
    with subprocess.Popen(leashed(os.getpid(), SLEEP), stdout=subprocess.PIPE, text=True) as process:
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
    assert process.returncode == -signal.SIGTERM


def test_another_owner_is_watched():
    """A command tied to a process that is not its parent ends when that process has."""
    owner = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"])
    watcher = subprocess.Popen(leashed(owner.pid, SLEEP), stdout=subprocess.PIPE, text=True)
    pid = int(watcher.stdout.readline())
    owner.kill()
    owner.wait()
    assert gone(pid)
    watcher.wait(120)
    watcher.stdout.close()


def test_the_watcher_hands_signals_and_status_on():
    """SIGTERM reaches the command, and its status comes back."""
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("up", flush=True)
time.sleep(300)
"""
    command = (sys.executable, "-S", "-c", code)
    owner = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"])
    with subprocess.Popen(leashed(owner.pid, command), stdout=subprocess.PIPE, text=True) as watcher:
        watcher.stdout.readline()
        watcher.terminate()
        assert watcher.wait(120) == 7
    owner.kill()
    owner.wait()


def test_an_owner_that_is_gone_already():
    """Nothing runs for an owner that does not exist."""
    owner = subprocess.Popen([sys.executable, "-S", "-c", ""])
    owner.wait()
    done = subprocess.run(leashed(owner.pid, SLEEP), capture_output=True, timeout=120, check=False)
    assert done.returncode != 0
