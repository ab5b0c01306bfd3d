"""The names of the consumer groups, from one place: who commits, and who asks how far they are."""

from collections.abc import Mapping, Sequence

from schemas.topics import CANCELS, MONITOR_STATE, NOTICES, SAMPLING, SETTLED, SILENCES, STATE, TOPICS, Process, Topic
from streams.settings import Settings


def worker_group(settings: Settings) -> str:
    """The group of every agent: Faust's application id."""
    return f"{settings.namespace}.worker"


def store_group(settings: Settings) -> str:
    """The group of the writer to the store."""
    return f"{settings.namespace}.store"


def infer_group(settings: Settings) -> str:
    """The group of the processes that answer."""
    return f"{settings.namespace}.infer"


def settle_group(settings: Settings) -> str:
    """The group of the process that settles, and of those that stand by."""
    return f"{settings.namespace}.settle"


def monitor_group(settings: Settings, shard: int) -> str:
    """The group of the process that watches a shard of the apps, and of those that stand by. Its writer's name too."""
    return f"{settings.namespace}.monitor" + (f".{shard}" if shard else "")


def monitor_groups(settings: Settings) -> Sequence[str]:
    """The groups of all shards."""
    return [monitor_group(settings, shard) for shard in range(settings.monitor_shards)]


def notify_group(settings: Settings) -> str:
    """The group of the process that tells people, and of those that stand by."""
    return f"{settings.namespace}.notify"


def reading_groups(settings: Settings) -> Mapping[str, tuple[Topic, ...]]:
    """Every group with the topics that it commits offsets of. What is read whole at every start is none of them."""
    processes: Mapping[str, tuple[Process, ...]] = {
        worker_group(settings): ("screen", "stream", "judge", "observe", "collect"),
        infer_group(settings): ("infer",),
        settle_group(settings): ("settle",),
        store_group(settings): ("store",),
        **dict.fromkeys(monitor_groups(settings), ("monitor",)),
        notify_group(settings): ("notify",),
    }
    whole = {(topic, process) for topic in STATE for process in topic.read_by} | {
        (SETTLED, "settle"),
        (MONITOR_STATE, "monitor"),
        (CANCELS, "infer"),
        (SILENCES, "notify"),
        (NOTICES, "notify"),
        (SAMPLING, "screen"),
        (SAMPLING, "judge"),
        (SAMPLING, "observe"),
    }
    return {
        group: tuple(t for t in TOPICS if any(name in t.read_by and (t, name) not in whole for name in names))
        for group, names in processes.items()
    }
