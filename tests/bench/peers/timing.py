"""How a case is timed. Standard library only: it runs in foreign environments too."""

import json
import resource
import statistics
import sys
import time


def run(cases, case, folder):
    """Build the case, warm it up, time every pair or the whole, and print one JSON line.

    A case is a function that takes ``folder`` and gives ``(judge, batched)``: ``judge`` takes a list of pairs; where
    ``batched``, all pairs go in one call.
    """
    pairs = [tuple(pair) for pair in json.loads((folder / "pairs.json").read_text())]
    started = time.process_time()
    judge, batched = cases[case](folder)
    start = time.process_time() - started
    judge([("Good morning.", "Hello, how are you?")])
    taken = []
    for batch in [pairs[at : at + 16] for at in range(0, len(pairs), 16)] if batched else [[pair] for pair in pairs]:
        began = time.process_time()
        judge(batch)
        taken += [(time.process_time() - began) / len(batch)] * len(batch)
    taken.sort()
    found = {
        "pairs_per_cpu_second": len(taken) / sum(taken),
        "p50_ms": statistics.median(taken) * 1000,
        "p99_ms": taken[int(0.99 * (len(taken) - 1))] * 1000,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "start_seconds": start,
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")
