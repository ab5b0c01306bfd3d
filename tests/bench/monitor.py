"""What a monitor reads in a second of CPU, alone and where two share the apps. Without Kafka's client."""

import time

from schemas.codec import Message, decode, encode
from schemas.envelope import Envelope, event_type
from schemas.policy import Alarms
from schemas.topics import VERDICTS
from schemas.traffic import read_traffic
from schemas.verdict import Verdict
from streams.monitor.readings import Reader
from streams.monitor.shards import Shard
from streams.monitor.watcher import Watcher
from streams.monitor.watermarks import Partition, Terms
from tests.bench.figure import Figure
from tests.fixtures.monitored import judged, moment

_APPS, _PER_HOUR, _VERDICTS, _ROUNDS = 64, 400, 8_000, 3
_HOUR_MS = 3_600_000


def monitor_figures() -> list[Figure]:
    """Verdicts a CPU-second: decoded, counted and closed in bins, all signals on; the best of three rounds."""
    messages = [_message(number) for number in range(_VERDICTS)]

    def speed(*shards: Shard) -> float:
        return _VERDICTS / max(min(_seconds(shard, messages) for _ in range(_ROUNDS)) for shard in shards)

    one = Figure("one monitor", speed(Shard()), "verdicts per CPU-second")
    two = Figure("two that share 64 apps, by the busier", speed(Shard(0, 2), Shard(1, 2)), one.unit)
    nobody = next(Shard(number, 1 << 20) for number in range(1 << 20) if not _has_any(Shard(number, 1 << 20)))
    return [one, two.against(one), Figure("verdicts of other shards", speed(nobody), one.unit).against(one)]


def _message(number: int) -> Message:
    at = moment(number // _PER_HOUR, number % _PER_HOUR * 60 / _PER_HOUR)
    verdict = judged(number, at, app=f"app-{number % _APPS}")
    own = Envelope(id=str(verdict.verdict_id), source="weir", type=event_type(VERDICTS.type_name), time=at)
    made = encode(verdict, own, verdict.conversation_id)
    return Message("v", 0, number, at, made.key, made.value, made.headers)


def _has_any(shard: Shard) -> bool:
    return any(shard.owns(f"app-{number}") for number in range(_APPS))


def _seconds(shard: Shard, messages: list[Message]) -> float:
    alarms = Alarms()
    reader, watcher = Reader(lambda _: alarms, "event"), Watcher(Terms(_HOUR_MS, 0), lambda _: alarms)
    watcher.follow([Partition("v", "id", 0)])
    start = time.process_time()
    for message in messages:
        traffic = read_traffic(message.headers)
        assert traffic is not None
        if shard.owns(traffic.app):
            found = reader.read(decode(message, Verdict, VERDICTS.type_name).record)
        else:
            found = reader.passing(traffic)
        watcher.read(("v", 0), message.offset, found)
        if message.offset % 1_000 == 999 and (upto := watcher.due(())) is not None:
            watcher.close(upto)
    return time.process_time() - start
