"""Alerts and series to rows of the store's tables. Pure, as ``rows`` is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.alert import Alert
from schemas.monitoring import SeriesState
from streams.store.client import Values
from streams.store.columns import milliseconds, storable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PART_COLUMNS: Final = (
    "dimension", "segment", "within", "within_low", "within_high", "mix", "before", "after", "events"
)  # fmt: skip


def alert_row(alert: Alert, log: Values) -> Values:
    """An alert as a row of ``alerts``."""
    return {
        "fingerprint": alert.fingerprint,
        "alertname": alert.alertname,
        "severity": alert.severity,
        "state": alert.state,
        "app": storable(alert.app),
        "series": storable(alert.series),
        "signal": storable(alert.signal),
        "guard": storable(alert.guard or ""),
        "model": storable(alert.model or ""),
        "language": storable(alert.language or ""),
        "direction": alert.direction or "",
        "also": [storable(each) for each in alert.also],
        "summary": storable(alert.summary),
        **_times(alert),
        "value": alert.value,
        "baseline": alert.baseline,
        "change": alert.change,
        "visible_shift": alert.visible_shift,
        "evidence": alert.evidence,
        "threshold": alert.threshold,
        "budget_pages": alert.budget.pages,
        "budget_series": alert.budget.series,
        "bin_seconds": alert.budget.bin_seconds,
        "flaps": alert.flaps,
        **_parts(alert),
        "examples": list(alert.examples),
        "runbook": storable(alert.runbook or ""),
        "dashboard": storable(alert.dashboard or ""),
        **log,
    }


def series_rows(state: SeriesState, log: Values) -> tuple[Values, ...]:
    """The bins that were closed since the state before, as rows of ``series_bins``."""
    length = timedelta(seconds=state.bin_seconds)
    about: Values = {
        "app": storable(state.app),
        "series": storable(state.series),
        "bin_seconds": state.bin_seconds,
        "phase": state.phase,
        "threshold": state.threshold,
        "level": state.level,
        "margin": state.margin,
        "visible_shift": state.visible_shift,
        **log,
    }
    return tuple(
        {
            **about,
            "number": each.number,
            "bin_start": milliseconds(_EPOCH + each.number * length),
            "events": each.events,
            "total": each.total,
            "conversations": each.conversations,
            "sum_of_means": each.sum_of_means,
            "sum_of_squares": each.sum_of_squares,
            "expected": each.expected,
            "evidence": each.evidence,
        }
        for each in state.closed
    )


def _times(alert: Alert) -> Mapping[str, int | None]:
    began = alert.began
    moments = {
        "starts_at": alert.starts_at,
        "since": alert.since,
        "fired_at": alert.fired_at,
        "ends_at": alert.ends_at,
        "updated_at": alert.updated_at,
        "began_likeliest": began.likeliest if began else None,
        "began_earliest": began.earliest if began else None,
        "began_latest": began.latest if began else None,
    }
    return {name: milliseconds(moment) if moment else None for name, moment in moments.items()}


def _parts(alert: Alert) -> Values:
    def values(column: str) -> list[object]:
        found = (getattr(part, column) for part in alert.parts)
        return [storable(each) if isinstance(each, str) else each for each in found]

    return {f"parts.{column}": values(column) for column in _PART_COLUMNS}
