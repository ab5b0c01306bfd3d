"""An alert in sentences: what moved, by how much, and what is promised. Numbers and names only, nobody's text."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from schemas.alert import Alert, AlertPart

_MOST_PARTS: Final = 3


def description(alert: Alert) -> str:
    """One sentence a line: the change, when it began, which segments explain it, and the budget behind the alarm."""
    return "\n".join(_sentences(alert))


def _sentences(alert: Alert) -> Iterator[str]:
    if alert.value is not None and alert.baseline is not None:
        yield f"{alert.series} is {alert.value:.3f}, {alert.baseline:.3f} was expected."
    if alert.began is not None:
        began = alert.began
        yield f"It began at {_time(began.likeliest)}, between {_time(began.earliest)} and {_time(began.latest)}."
    for part in largest(alert):
        yield f"{part.dimension} {part.segment}: {part.within + part.mix:+.3f} of it ({part.events} events)."
    if alert.also:
        yield f"With it moved {', '.join(alert.also)}."
    budget = alert.budget
    days = budget.bins * budget.bin_seconds / 86_400
    yield f"At most {budget.pages:g} false pages are expected in {days:.3g} days over {budget.series} series."


def largest(alert: Alert) -> tuple[AlertPart, ...]:
    """The segments that explain most of the change, the largest first."""
    sign = -1 if (alert.change or 0.0) < 0 else 1
    parts = sorted(alert.parts, key=lambda part: sign * (part.within + part.mix), reverse=True)
    return tuple(part for part in parts[:_MOST_PARTS] if sign * (part.within + part.mix) > 0)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
