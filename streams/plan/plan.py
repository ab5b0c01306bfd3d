"""Traffic times rates. Pure.

Every figure is a range: its ends are those of the measured rates, all at their worst or all at their best at once. What
is assumed beside them stands in ``ASSUMPTIONS`` with its number, so that a reader can put in another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.topics import INTERACTIONS, REQUESTS, VERDICTS, WORK
from streams.plan.profile import Profile
from streams.plan.range import Range
from streams.plan.traffic import AppTraffic, Traffic

_GB: Final = 1e9
_SECONDS_A_DAY: Final = 86_400
_BYTES_A_WORD: Final = 6.0
_ENVELOPE: Final = 500.0  # headers and JSON around a text, in a message
_VERDICT: Final = Range(1_200, 1_600, 2_500)  # bytes without the texts
_STORED_SHARE: Final = Range(0.12, 0.2, 0.35)  # of a verdict's bytes that ClickHouse keeps on disk
_TOKENS_A_WORD: Final = 1.35
_SETTLED_BYTES: Final = 220.0  # of memory for a request that settle remembers
_MEMORY_GB: Final[Mapping[str, float]] = {"worker": 0.5, "infer": 2.0, "settle": 0.1, "store": 0.2}

ASSUMPTIONS: Final = (
    "the guards read a request's prompt twice, at screen and at judge, and its response once",
    f"a word is {_BYTES_A_WORD:.0f} bytes, {_TOKENS_A_WORD} tokens; {_ENVELOPE:.0f} bytes are around a message's text",
    f"a verdict is its texts and {_VERDICT.low:,.0f} to {_VERDICT.high:,.0f} bytes",
    f"ClickHouse keeps {_STORED_SHARE.low:.0%} to {_STORED_SHARE.high:.0%} of a verdict's bytes",
    f"settle keeps {_SETTLED_BYTES:.0f} bytes in memory of every request that it remembers",
    "Kafka's and ClickHouse's own cores and memory are not planned: only what they keep and carry",
)


@dataclass(frozen=True, slots=True)
class Need:
    """How many of a process, and how many cores and gigabytes all of them take; ``gpus`` likewise."""

    process: str
    processes: Range
    cores: Range
    memory_gb: Range
    gpus: Range
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the traffic needs. Disks hold every replica; the brokers' network is of the busiest minute, both ways."""

    needs: tuple[Need, ...]
    partitions: Mapping[str, int]
    kafka_disk_gb: Range
    store_disk_gb: Range
    network_mb_per_second: Range
    reviewers: float
    month: Range
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...] = ASSUMPTIONS


def make_plan(traffic: Traffic, profile: Profile) -> Plan:
    """The plan for some traffic on machines like the profile's."""
    requests = sum(app.requests_per_second for app in traffic.apps)
    needs = [_worker(traffic, profile), _settle(traffic, profile, requests), _store(traffic, profile, requests)]
    if traffic.model.served == "weir" and requests > 0:
        needs.insert(1, _infer(traffic, profile))
    kafka, network = _kafka(traffic)
    store = _stored(traffic)
    return Plan(
        needs=tuple(needs),
        partitions=_partitions(needs),
        kafka_disk_gb=kafka,
        store_disk_gb=store,
        network_mb_per_second=network,
        reviewers=traffic.reviews_per_day * traffic.review_seconds / (6 * 3600),  # six hours of a day at the screen
        month=_month(traffic, needs, kafka + store),
        warnings=tuple(_warnings(needs)),
    )


def _verdicts(app: AppTraffic) -> float:
    return 2 * app.requests_per_second + app.interactions_per_second


def _words(app: AppTraffic) -> float:
    """Words that guards read for this app in a second."""
    prompt, response = app.prompt_words.mean, app.response_words.mean
    return app.requests_per_second * (2 * prompt + response) + app.interactions_per_second * (prompt + response)


def _need(traffic: Traffic, process: str, busy: Range, why: str, *, gpu: bool = False) -> Need:
    """``busy`` cores' worth of work become whole processes of one core each, with room and with those to spare."""
    processes = (busy * (1 / traffic.utilisation)).whole() + Range.exactly(traffic.spare)
    memory = traffic.model.memory_gb if process == "infer" and traffic.model.memory_gb else _MEMORY_GB[process]
    return Need(process, processes, processes, processes * memory, processes * float(gpu), why)


def _worker(traffic: Traffic, profile: Profile) -> Need:
    events = sum(_verdicts(app) for app in traffic.apps)
    words = sum(_words(app) for app in traffic.apps)
    busy = profile.guard_seconds_per_event * events + profile.guard_seconds_per_word * words
    return _need(traffic, "worker", busy, f"{events:,.0f} events and {words:,.0f} words a second")


def _infer(traffic: Traffic, profile: Profile) -> Need:
    tokens = sum(app.requests_per_second * app.response_words.mean * _TOKENS_A_WORD for app in traffic.apps)
    given = traffic.model.tokens_per_second
    rate = profile.model_tokens_per_second if given is None else Range.exactly(given)
    return _need(
        traffic, "infer", Range.exactly(tokens).per(rate), f"{tokens:,.0f} tokens a second", gpu=traffic.model.gpu
    )


def _settle(traffic: Traffic, profile: Profile, requests: float) -> Need:
    # One settles, whatever their number: more stand by.
    remembered = requests * traffic.mean_over_peak * 3600 * traffic.settled_hours * _SETTLED_BYTES / _GB
    one = Range.exactly(1.0 + traffic.spare)
    busy = Range.exactly(2 * requests).per(profile.settle_per_second)
    why = f"{2 * requests:,.0f} records a second, {busy.likely:.0%} of one; {remembered:.2f} GB of requests remembered"
    return Need("settle", one, one, one * (_MEMORY_GB["settle"] + remembered), Range.exactly(0), why)


def _store(traffic: Traffic, profile: Profile, requests: float) -> Need:
    # Verdicts, and for every request its reply and two settlements.
    rows = sum(_verdicts(app) for app in traffic.apps) + 3 * requests
    return _need(traffic, "store", Range.exactly(rows).per(profile.store_per_second), f"{rows:,.0f} rows a second")


def _kafka(traffic: Traffic) -> tuple[Range, Range]:
    """Gigabytes on disk, and megabytes a second over the brokers' network."""
    written = read = Range.exactly(0)
    for app in traffic.apps:
        prompt, response = (_BYTES_A_WORD * words.mean for words in (app.prompt_words, app.response_words))
        verdict = _VERDICT + Range.exactly(prompt + response)
        # Of a request: itself, its work, its completion, its outcome, its reply, two settlements.
        request = Range.exactly(4 * prompt + 4 * response + 7 * _ENVELOPE)
        interaction = Range.exactly(prompt + response + _ENVELOPE)
        written += (request + verdict * 2) * app.requests_per_second
        written += (interaction + verdict) * app.interactions_per_second
        read += (request * 1.5 + verdict * 4) * app.requests_per_second
        read += (interaction + verdict * 2) * app.interactions_per_second
    kept = written * (traffic.mean_over_peak * _SECONDS_A_DAY * traffic.raw_days * traffic.replication / _GB)
    return kept, (written * traffic.replication + read) * 1e-6


def _stored(traffic: Traffic) -> Range:
    total = Range.exactly(0)
    for app in traffic.apps:
        text = _BYTES_A_WORD * (app.prompt_words.mean + app.response_words.mean)
        verdict = _VERDICT + Range.exactly(text)
        kept = Range(
            verdict.low * _STORED_SHARE.low,
            verdict.likely * _STORED_SHARE.likely,
            verdict.high * _STORED_SHARE.high,
        )
        total += kept * _verdicts(app)
    return total * (traffic.mean_over_peak * _SECONDS_A_DAY * traffic.store_days / _GB)


def _partitions(needs: list[Need]) -> Mapping[str, int]:
    """How many partitions each kind of process needs at most, so that none stands idle."""
    return {need.process: int(need.processes.high) for need in needs if need.process != "settle"}


def _warnings(needs: list[Need]) -> list[str]:
    table = {
        "worker": min(REQUESTS.partitions, INTERACTIONS.partitions),
        "infer": sum(topic.partitions for topic in WORK),
        "store": VERDICTS.partitions,
    }
    return [
        f"{need.process}: up to {need.processes.high:.0f} processes, but the topics have {table[need.process]} "
        "partitions: make them with more before the first event (schemas/topics.py)"
        for need in needs
        if need.process in table and need.processes.high > table[need.process]
    ]


def _month(traffic: Traffic, needs: list[Need], disk: Range) -> Range:
    prices = traffic.prices
    total = disk * prices.gb_disk_month
    for need in needs:
        total += need.cores * prices.core_month + need.memory_gb * prices.gb_memory_month
        total += need.gpus * prices.gpu_month
    return total
