"""A settle whose loop hangs is ended, so that the next one goes on."""

import subprocess
import sys

import pytest

WATCH = """
import threading
from streams.kafka.leading import end_if_stuck

class Loop:
    def is_alive(self):
        return {alive}

ended = threading.Event()
threading.Timer({ends_after}, ended.set).start()
end_if_stuck("settle", Loop(), ended)
print("went on")
"""


@pytest.mark.parametrize(("alive", "ends_after", "status"), [(False, 30, 1), (True, 1.5, 0)])
def test_only_a_loop_that_hangs_ends_its_process(alive, ends_after, status):
    """With status 1, whatever other threads do, and a line that says so; a loop that turns is left alone."""
    program = WATCH.format(alive=alive, ends_after=ends_after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status
    assert ("settle hangs and is ended" in done.stdout) == (not alive)
    assert ("went on" in done.stdout) == alive
