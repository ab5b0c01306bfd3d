"""Overview: what goes through, what becomes of it, how fast, and what it costs."""

from typing import Final

from deploy.grafana.board import APP, STAGE, Board, Entry
from deploy.grafana.panel import Column, Series, Stat, Table

OVERVIEW: Final = Board(
    uid="weir-overview",
    title="Weir: overview",
    about="What goes through Weir, what becomes of it, how fast, at what cost. Every verdict and reply counts once.",
    variables=(
        APP,
        STAGE,
        Entry("read_price", "Price of tokens read", "What a million tokens read by the model cost.", "0.5"),
        Entry("made_price", "Price of tokens made", "What a million tokens made by the model cost.", "1.5"),
    ),
    rows=(
        (
            Stat("Events judged", "Live events judged in the time range.", "overview/events", "short"),
            Stat("Requests answered", "Final replies in the time range.", "overview/answered", "short"),
            Stat(
                "Flagged", "Share of live events that passed, but flagged.", "overview/flagged", "percentunit",
                steps=((0.0, "green"), (0.2, "yellow")), decimals=2,
            ),
            Stat(
                "Blocked", "Share of live events that were blocked.", "overview/blocked", "percentunit",
                steps=((0.0, "green"), (0.05, "yellow"), (0.2, "red")), decimals=2,
            ),
            Stat(
                "Time to a verdict, p99", "From arrival on the broker: 99 of 100 events are faster.",
                "overview/verdict_p99", "s", steps=((0.0, "green"), (1.0, "yellow"), (10.0, "red")), decimals=2,
            ),
            Stat(
                "Time to a reply, p99", "From a request's arrival on the broker to its final reply's.",
                "overview/reply_p99", "s", steps=((0.0, "green"), (10.0, "yellow"), (60.0, "red")), decimals=2,
            ),
        ),
        (
            Series(
                "Traffic by action", "Live events by what the policy made of them.", "overview/actions", "short",
                bars=True,
            ),
            Series(
                "Share of each action", "Flagged, redacted, held and blocked events as a share of all live events.",
                "overview/shares", "percentunit",
            ),
        ),
        (
            Series("Events by app", "Live events of each app.", "overview/by_app", "short", by="by_app"),
            Series(
                "Replies by status", "Final replies, by status.", "overview/replies", "short", by="by_status",
                bars=True,
            ),
        ),
        (
            Series(
                "Time to a verdict", "By the broker's clock at arrival and the worker's at the verdict.",
                "overview/verdict_latency", "s",
            ),
            Series(
                "Time to the final reply", "By the broker's clock at both ends; held requests wait for a person.",
                "overview/reply_latency", "s",
            ),
        ),
        (
            Series(
                "Tokens", "Tokens that models read and made, of final replies.", "overview/tokens", "short", bars=True,
            ),
            Series(
                "Cost by app", "Tokens times the two prices above, in their currency.", "overview/cost", "short",
                by="by_app"
            ),
        ),
        (
            Table(
                "Apps", "Every app in the time range; its name leads to what was found in it.", "overview/apps",
                height=7,
                columns={
                    "app": Column("App", link="/d/weir-safety?var-app=${__value.raw}&${__url_time_range}"),
                    "events": Column("Events", "short", bar=True),
                    "flagged": Column("Flagged", "percentunit", decimals=2),
                    "blocked": Column("Blocked", "percentunit", decimals=2),
                    "p50": Column("Verdict p50", "s", decimals=3),
                    "p99": Column("Verdict p99", "s", decimals=3),
                    "conversations": Column("Conversations", "short"),
                },
            ),
        ),
    ),
)  # fmt: skip
