import subprocess
import sys

PROCESSES = ("worker", "infer.process", "settle.process", "store.process", "monitor.process", "gateway.process")
SLOW = ("kafka", "scipy.signal", "scipy.stats", "torch", "transformers", "chdb")


def test_processes_load_nothing_slow_that_they_may_never_use():
    """The parts of libraries that commands or rare turns need are loaded by these, and not when a process starts."""
    code = f"import sys, {', '.join(f'streams.{name}' for name in PROCESSES)}\nprint({set(SLOW)} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
