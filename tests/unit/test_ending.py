"""What SIGTERM leaves behind."""

import signal
import subprocess
import sys

_PROGRAM = """
import signal
from streams.process.ending import ending_on_signals
before = signal.getsignal(signal.SIGTERM)
try:
    with ending_on_signals():
        print("inside", flush=True)
        signal.pause()
finally:
    print("cleaned up", signal.getsignal(signal.SIGTERM) is before, flush=True)
"""


def test_sigterm_cleans_up():
    """What stands in ``finally`` is done, the handler that was there is back, and the status names the signal."""
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "inside\n"
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert (process.returncode, rest) == (128 + signal.SIGTERM, "cleaned up True\n")
