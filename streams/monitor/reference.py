"""A recorded reference: series as `weir monitors export` writes them, for installations that have no past yet."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import ConfigError
from schemas.monitoring import SeriesState
from streams.monitor.app import App
from streams.monitor.records import memory_of, plain_memory
from streams.monitor.series import Memory, series_name, taught

_FIELD = "WEIR_MONITOR_REFERENCE"


def read_reference(path: Path | None, bin_seconds: float) -> Mapping[str, App]:
    """Apps with the series of the file, one record a line, each taught by its past as far as that will do.

    Raises:
        ConfigError: the file cannot be read, or is of other bins; the message names the line.
    """
    if path is None:
        return {}
    found: dict[str, dict[str, Memory]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", field=_FIELD) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            state = SeriesState.model_validate_json(line)
            memory = memory_of(state)
        except (ValidationError, ValueError):
            raise ConfigError(f"line {number} is no series", field=_FIELD) from None
        if state.bin_seconds != bin_seconds:
            raise ConfigError(f"line {number} has bins of {state.bin_seconds:g} seconds", field=_FIELD)
        found.setdefault(state.app, {})[state.series] = taught(memory, series_name(state.app, state.series))
    return {name: App(series=dict(sorted(series.items()))) for name, series in sorted(found.items())}


def exported(state: SeriesState) -> SeriesState:
    """The series as a reference: with its past, without what it was watched with."""
    memory = memory_of(state)
    bare = replace(memory, watch=None, visible=None)
    return state.model_copy(update={"phase": "learning", "closed": (), "memory": plain_memory(bare)})
