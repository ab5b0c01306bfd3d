"""A demo that is interrupted leaves nothing behind."""

import signal
import subprocess
import sys

import pytest

from tests.fixtures.processes import runs
from tests.fixtures.stack import LiveStack

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store,
    pytest.mark.timeout(600),
]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_demo_and_its_stack(tmp_path, number):
    """Told to end while the stack starts, the demo takes down what runs by then, and says how it ended."""
    live = LiveStack(tmp_path)
    command = [sys.executable, "-m", "streams.cli", "demo", "--exit", "--no-act"]
    # What runs in the background of a shell ignores SIGINT, and so would the demo.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = subprocess.Popen(command, env=live.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        live.until(lambda: live.state and all(each.pid for each in live.state.processes[:2]))
        started = [live.state.pid, *(each.pid for each in live.state.processes if each.pid)]
        demo.send_signal(number)
        assert demo.wait(240) == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
        assert live.state is None
        assert [pid for pid in started if runs(pid)] == []
    finally:
        signal.signal(signal.SIGINT, before)
        demo.kill()
        demo.wait()
        live.down()
