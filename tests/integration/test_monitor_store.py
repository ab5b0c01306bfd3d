"""Alerts and series in the store: their tables, views and questions, on the real engine."""

from datetime import timedelta
from uuid import UUID

import pytest

from schemas.alert import Alert, AlertPart, Began, Budget
from schemas.codec import Message, encode
from schemas.envelope import Envelope, event_type
from schemas.monitoring import MonitorProgress, MonitorState, SeriesBin, SeriesState
from schemas.topics import ALERTS, MONITOR_STATE
from streams.store.sql import query
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import NOON

pytestmark = pytest.mark.store
HOUR = timedelta(hours=1)


@pytest.fixture
def put(store, database_settings):
    """Stores messages as the writer does, as many times as it is called."""
    return putting(store, database_settings)


def alert(state, hour, **changes):
    fields = {
        "fingerprint": "0123456789abcdef",
        "alertname": "WeirRefusal",
        "severity": "warning",
        "state": state,
        "app": "shop",
        "series": "refusal",
        "signal": "refusal",
        "summary": "shop: refusals rose",
        "model": "v2",
        "began": Began(likeliest=NOON, earliest=NOON, latest=NOON + HOUR),
        "value": 0.3,
        "baseline": 0.1,
        "budget": Budget(pages=1.0, bins=2160, bin_seconds=3600.0, series=4),
        "parts": (
            AlertPart(
                dimension="model", segment="v2", within=0.0, within_low=-0.1, within_high=0.1, mix=0.2, events=40
            ),
        ),
        "examples": (UUID(int=7),),
        "starts_at": NOON,
        "since": NOON + hour * HOUR,
        "fired_at": NOON + HOUR,
        "updated_at": NOON + hour * HOUR,
    }
    return Alert(**{**fields, **changes})


def state(*bins, phase="watching"):
    closed = tuple(
        SeriesBin(
            number=number, events=10, total=total, conversations=5, sum_of_means=total / 2, sum_of_squares=total / 4,
            expected=0.1, evidence=0.5,
        )
        for number, total in bins
    )  # fmt: skip
    return MonitorState(
        series=SeriesState(app="shop", series="refusal", phase=phase, bin_seconds=3600.0, closed=closed, threshold=1.0)
    )


def message(topic, record, offset):
    own = Envelope(id=f"{topic.name}-{offset}", source="weir/monitor", type=event_type(topic.type_name), time=NOON)
    made = encode(record, own, "k")
    return Message(f"weir.{topic.name}", 0, offset, NOON + offset * HOUR, made.key, made.value, made.headers)


def test_how_an_alarm_stands_and_what_paged(store, put):
    """The view has the latest of a fingerprint; a page counts once, however often it is refreshed or stored."""
    told = [alert("pending", 0, fired_at=None), alert("firing", 1), alert("firing", 2)]
    told.append(alert("resolved", 5, ends_at=NOON + 5 * HOUR))
    for _ in range(2):
        put(*(message(ALERTS, each, offset) for offset, each in enumerate(told)))
    (row,) = store.select("SELECT * FROM v_alerts")
    assert (row["state"], row["app"], row["model"]) == ("resolved", "shop", "v2")
    assert row["parts.segment"] == ["v2"]
    assert row["parts.before"] == [None]
    assert row["examples"] == [UUID(int=7)]
    assert store.select("SELECT count() AS n FROM alerts FINAL")[0]["n"] == 4
    (page,) = store.select(query("pages").replace("now()", "toDateTime('2026-11-27 00:00:00')"))
    assert (page["app"], page["pages"], page["open"], page["budget"]) == ("shop", 1, 0, 1.0)


def test_a_page_without_an_end_is_open(store, put):
    """Until it is resolved."""
    put(message(ALERTS, alert("firing", 1), 0))
    (page,) = store.select(query("pages").replace("now()", "toDateTime('2026-11-27 00:00:00')"))
    assert (page["pages"], page["open"]) == (1, 1)


def test_a_bin_of_a_series_is_one_row(store, put):
    """Closed bins in order, what is written again counted once; progress is no row."""
    progress = MonitorState(progress=MonitorProgress(bin_seconds=3600.0, clock="arrival", closed=3, at=NOON))
    messages = [
        message(MONITOR_STATE, record, offset)
        for offset, record in enumerate((state((1, 2.0), (2, 3.0)), progress, state((3, 1.0)), state((3, 9.0))))
    ]
    for _ in range(2):
        put(*messages)
    rows = store.select(query("series_week"), app="shop", series="refusal")
    assert [(row["rate"], row["events"]) for row in rows] == [(0.1, 10), (0.3, 10), (0.2, 10)]
