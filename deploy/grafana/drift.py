"""Drift and alerts: what the monitor watches, with what evidence, and what it says has changed."""

from typing import Final

from deploy.grafana.board import APP, Board
from deploy.grafana.panel import Column, Series, Stat, Table

DRIFT: Final = Board(
    uid="weir-drift",
    title="Weir: drift and alerts",
    about="Series that the monitor watches, the evidence against them, and what has changed, since when and where.",
    variables=(APP,),
    span="now-7d",
    rows=(
        (
            Stat(
                "Firing", "Alarms that fire now.", "drift/firing", "short", steps=((0.0, "green"), (1.0, "red")),
                width=6,
            ),
            Stat("Pages", "Alarms that began to fire in the time range.", "drift/pages", "short", width=6),
            Stat("Series watched", "Series with a baseline.", "drift/watched", "short", width=6),
            Stat(
                "Series learning", "Series that had too little to be watched in the time range.", "drift/learning",
                "short", width=6,
            ),
        ),
        (
            Table(
                "Alarms", "How every alarm stands; firing first. The change's beginning has an interval.",
                "drift/alarms",
                columns={
                    "app": Column("App", link="/d/weir-safety?var-app=${__value.raw}&${__url_time_range}", width=90),
                    "alertname": Column("Alarm", width=170), "state": Column("State", width=80),
                    "summary": Column("What"),
                    "value": Column("Value", "none", decimals=3, width=80),
                    "baseline": Column("Expected", "none", decimals=3, width=80),
                    "began_likeliest": Column("Began", "dateTimeAsIso", width=150),
                    "began_earliest": Column("Not before", "dateTimeAsIso", width=150),
                    "began_latest": Column("Not after", "dateTimeAsIso", width=150),
                    "of_threshold": Column("Evidence", "percentunit", decimals=0, width=80),
                    "flaps": Column("Flaps", "none", width=60), "runbook": Column("Runbook", width=90),
                },
            ),
        ),
        (
            Series("Series", "The rate of every series, bin by bin.", "drift/rates", "none", by="by_series"),
            Series(
                "Evidence", "Of what pages: at 1 an alarm fires. It falls again while a series is as expected.",
                "drift/evidence", "none", by="by_series",
            ),
        ),
        (
            Table(
                "What moved", "Of alarms that fire or are pending: a segment's own rate (within), or its share (mix).",
                "drift/parts",
                columns={
                    "app": Column("App", width=90), "alertname": Column("Alarm", width=170),
                    "dimension": Column("Dimension", width=110), "segment": Column("Segment"),
                    "within": Column("Within", "none", decimals=3, width=80),
                    "within_low": Column("Low", "none", decimals=3, width=80),
                    "within_high": Column("High", "none", decimals=3, width=80),
                    "mix": Column("Mix", "none", decimals=3, width=80), "before": Column("Before", "none", decimals=3,
                    width=80),
                    "after": Column("After", "none", decimals=3, width=80), "events": Column("Events", "short",
                    width=80),
                },
            ),
        ),
        (
            Series(
                "What could be seen", "The least rise that is as likely as not to be seen within 168 bins.",
                "drift/shift", "none", by="by_series",
            ),
            Table(
                "Every series", "Most evidence first.", "drift/series", width=12, height=8,
                columns={
                    "app": Column("App", width=90), "series": Column("Series"), "now": Column("Phase", width=80),
                    "of_events": Column("Events", "short", width=80),
                    "mean_rate": Column("Rate", "none", decimals=3, width=80),
                    "expected_last": Column("Expected", "none", decimals=3, width=80),
                    "of_threshold": Column("Evidence", "percentunit", decimals=0, width=80),
                    "visible": Column("Visible rise", "none", decimals=3, width=90),
                },
            ),
        ),
    ),
)  # fmt: skip
