"""The Kafka cluster: whether it answers, its topics, and who reads them."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Final

from schemas.errors import WeirError
from schemas.topics import TOPICS
from streams.doctor.finding import Finding, missing, ok, warning
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import bootstrap
from streams.kafka.consumer_groups import (
    infer_group,
    monitor_groups,
    notify_group,
    reading_groups,
    settle_group,
    store_group,
    worker_group,
)
from streams.kafka.topic_admin import lag
from streams.kafka.topic_descriptions import TopicDescription
from streams.settings import Settings

_OLDEST: Final = (3, 7)
_KNOCK_SECONDS: Final = 3.0
_SKEW_MS: Final = 5_000
_MUCH_LAG: Final = 10_000
_NAMES_SHOWN: Final = 3
_CREATE: Final = "weir topics create"


def check_kafka(settings: Settings) -> Iterator[Finding]:
    """Whether a broker answers; if one does, whether its topics are as the table says and their readers are there."""
    addresses = bootstrap(settings).split(",")
    fix = "weir up, or WEIR_KAFKA_BOOTSTRAP=host:port"
    silent = [address for address in addresses if not _listens(address)]
    if silent == addresses:
        yield missing("kafka", f"nothing listens at {', '.join(addresses)}", fix)
        return
    if silent:
        yield warning("bootstrap", f"nothing listens at {', '.join(silent)}", fix)
    try:
        with KafkaAdmin(settings) as admin:
            yield version_finding(admin.version(), bootstrap(settings))
            topics = admin.describe(map(settings.topics.of, TOPICS))
            yield from _topics(settings, admin, topics)
            yield from _clock(admin, topics)
            if topics:
                yield from _groups(settings, admin)
    except WeirError as error:
        yield missing("kafka", f"{bootstrap(settings)}: {error.message}", fix)


def version_finding(version: tuple[int, ...], address: str) -> Finding:
    """What there is to say of a cluster's version."""
    what = f"Kafka {'.'.join(map(str, version))} at {address}"
    if version >= _OLDEST:
        return ok("kafka", what)
    return warning("kafka", f"{what}; {'.'.join(map(str, _OLDEST))} or later is needed", "upgrade Kafka")


def _listens(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    host = host.rpartition("//")[2].strip("[]")  # a listener's name, and IPv6
    try:
        with closing(socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS)):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _topics(settings: Settings, admin: KafkaAdmin, found: Mapping[str, TopicDescription]) -> Iterator[Finding]:
    names = {settings.topics.of(topic): topic for topic in TOPICS}
    absent = [name for name in names if name not in found]
    if absent:
        yield missing("topics", f"{len(absent)} of {len(names)} are not there: {_some(absent)}", _CREATE)
    configs = admin.config(found)
    differing = [
        f"{name} ({', '.join(sorted(wrong))})"
        for name, topic in names.items()
        if name in found and (wrong := {k for k, v in topic.config.items() if configs[name].get(k) != v})
    ]
    if differing:
        yield warning("topic settings", f"{len(differing)} differ from the table: {_some(differing)}", _CREATE)
    few = [name for name, topic in names.items() if name in found and found[name].partitions < topic.partitions]
    if few:
        fix = "more partitions move keys: make the topics anew when they are empty"
        yield warning("partitions", f"fewer than in the table: {_some(few)}", fix)
    if not (absent or differing or few):
        yield ok("topics", f"all {len(names)} are as the table says")


def _clock(admin: KafkaAdmin, topics: Mapping[str, TopicDescription]) -> Iterator[Finding]:
    """Messages carry the broker's time: one from the future tells of clocks that differ."""
    late = int(time.time() * 1000) + _SKEW_MS
    ahead = admin.first_since(dict.fromkeys(admin.spans(topics.values()), late))
    if ahead:
        seconds = (max(first.milliseconds for first in ahead.values()) - late + _SKEW_MS) / 1000
        yield warning(
            "broker's clock", f"{seconds:.0f} s before this machine's", "synchronise clocks: chronyc tracking"
        )


def _groups(settings: Settings, admin: KafkaAdmin) -> Iterator[Finding]:
    processes = {
        worker_group(settings): "worker",
        infer_group(settings): "infer",
        settle_group(settings): "settle",
        store_group(settings): "store",
        **dict.fromkeys(monitor_groups(settings), "monitor"),
        notify_group(settings): "notify",
    }
    members = admin.members(reading_groups(settings))
    behind = dict.fromkeys(processes, 0)
    for each in lag(settings):
        if each.group in behind:
            behind[each.group] += each.behind
    for group, process in processes.items():
        count, waiting = members.get(group, 0), behind[group]
        what = f"{count} running, {waiting:,} behind" if count else f"none runs, {waiting:,} behind"
        if not count:
            yield missing(process, what, f"weir {process}, or weir up for all")
        elif waiting > _MUCH_LAG:
            yield warning(process, what, f"more of `weir {process}`; weir topics lag")
        else:
            yield ok(process, what)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
