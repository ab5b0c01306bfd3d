"""A plan as text."""

from collections.abc import Iterator

from streams.plan.plan import Plan
from streams.plan.range import Range


def rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """The table's rows: process, how many, cores, memory, GPUs, and what makes them."""
    for need in plan.needs:
        gpus = written(need.gpus) if need.gpus.high else ""
        yield need.process, written(need.processes), written(need.cores), written(need.memory_gb, " GB"), gpus, need.why


def lines(plan: Plan) -> Iterator[str]:
    """What follows the table."""
    yield f"Kafka's disks    {written(plan.kafka_disk_gb, ' GB')}, all replicas"
    yield f"ClickHouse       {written(plan.store_disk_gb, ' GB')}, one replica"
    yield f"Brokers' network {written(plan.network_mb_per_second, ' MB/s')} in the busiest minute, in and out"
    if plan.reviewers:
        yield f"Reviewers        {plan.reviewers:.1f}, six hours a day each"
    yield f"A month          {written(plan.month)} at the prices given"
    for warning in plan.warnings:
        yield f"! {warning}"
    yield ""
    yield "Assumed, beside the measured rates:"
    yield from (f"- {assumption}" for assumption in plan.assumptions)


def written(value: Range, unit: str = "") -> str:
    """The likely figure, and the range where there is one."""
    low, likely, high = (_short(each) for each in (value.low, value.likely, value.high))
    return f"{likely}{unit}" if low == high else f"{likely}{unit} ({low} to {high})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
