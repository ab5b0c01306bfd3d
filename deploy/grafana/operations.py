"""Operations: how far behind, how fast, what fails. The upper half asks Prometheus, the lower half the store."""

from typing import Final

from deploy.grafana.board import APP, STAGE, Board
from deploy.grafana.panel import Column, Gauges, Series, Stat, Table

_RATE: Final = "$__rate_interval"

OPERATIONS: Final = Board(
    uid="weir-operations",
    title="Weir: operations",
    about="How far behind, how fast, what fails. Metrics come from the processes, all else from the store.",
    variables=(APP, STAGE),
    span="now-6h",
    rows=(
        (
            Stat(
                "Newest verdict stored", "Seconds since the broker took in the newest verdict that is stored.",
                "operations/fresh", "s", steps=((0.0, "green"), (120.0, "yellow"), (600.0, "red")), decimals=0, width=5,
            ),
            Stat(
                "Dead letters", "Messages that no stage could read or store. `weir dlq list` shows them.",
                "operations/dead", "short", steps=((0.0, "green"), (1.0, "yellow")), width=5,
            ),
            Stat(
                "Replies with an error", "Share of final replies that are errors: a deadline, no room, a broken guard.",
                "operations/errors", "percentunit", steps=((0.0, "green"), (0.01, "yellow"), (0.05, "red")), decimals=2,
                width=5,
            ),
            Stat(
                "Requests open", "Requests of the time range that wait for their reply.", "operations/open", "short",
                width=5,
            ),
            Stat("Reviews open", "Held requests and replies that wait for a person.", "operations/held", "short"),
        ),
        (
            Gauges(
                "Messages not stored yet", "What the writer has still to read, by topic.",
                (("sum by (topic) (weir_store_lag_events)", "{{topic}}"),), "short",
            ),
            Gauges(
                "Age of the oldest message not stored", "Grows while the store is down; nothing is lost.",
                (("max(weir_store_age_seconds)", "age"), ("max(weir_store_paused)", "paused (1)")), "s",
            ),
        ),
        (
            Gauges(
                "Events per second", "Events that ended, by stage.",
                ((f"sum by (stage) (rate(weir_events_total[{_RATE}]))", "{{stage}}"),), "cps",
            ),
            Gauges(
                "Time to guard a batch", "Of each stage, all guards together.",
                (
                    (f"histogram_quantile(0.5, sum by (le, stage) (rate(weir_guard_batch_seconds_bucket[{_RATE}])))",
                    "{{stage}} p50"),
                    (f"histogram_quantile(0.99, sum by (le, stage) (rate(weir_guard_batch_seconds_bucket[{_RATE}])))",
                    "{{stage}} p99"),
                ),
                "s",
            ),
        ),
        (
            Gauges(
                "Inference", "Requests in the model, waiting for it, and how many it takes at once.",
                (
                    ("sum(weir_infer_running)", "running"), ("sum by (lane) (weir_infer_waiting)", "waiting, {{lane}}"),
                    ("sum(weir_infer_slots)", "slots"),
                ),
                "short",
            ),
            Gauges(
                "Tokens per second", "Tokens that models read and made.",
                (
                    (f"sum(rate(weir_infer_prompt_tokens_total[{_RATE}]))", "read"),
                    (f"sum(rate(weir_infer_completion_tokens_total[{_RATE}]))", "made"),
                ),
                "cps",
            ),
        ),
        (
            Gauges(
                "Time to the first token", "From a request's entry into the model.",
                (
                    (f"histogram_quantile(0.5, sum by (le) (rate(weir_infer_first_token_seconds_bucket[{_RATE}])))",
                    "p50"),
                    (f"histogram_quantile(0.99, sum by (le) (rate(weir_infer_first_token_seconds_bucket[{_RATE}])))",
                    "p99"),
                ),
                "s",
            ),
            Gauges(
                "Settle", "Requests that it remembers, by state, and who settles: exactly one.",
                (("sum by (state) (weir_settle_requests)", "{{state}}"), ("sum(weir_settle_leading)", "leading")),
                "short",
            ),
        ),
        (
            Series("Throughput by stage", "Verdicts per second.", "operations/stages", "cps", by="by_stage"),
            Series(
                "Where the time goes",
                "Of a verdict: from arrival until it is in the log, and its share of a batch's guarding.",
                "operations/storing", "s",
            ),
        ),
        (
            Series(
                "Ledger", "How every input offset ended: judged, or dead. `weir audit` names what is missing.",
                "operations/ledger", "short", bars=True,
            ),
            Series(
                "Dead letters by code", "By reason. Not tied to an app.", "operations/codes", "short", by="by_code",
                bars=True,
            ),
        ),
        (
            Series(
                "Replies by code", "Why a reply has no text.", "operations/reply_codes", "short", by="by_code",
                bars=True,
            ),
            Table(
                "Who answered", "A stage, a deadline, a cancellation, a reviewer or an expiry.",
                "operations/answered_by",
                width=12, height=8,
                columns={
                    "answered_by": Column("Answered by"), "status": Column("Status"), "replies": Column("Replies",
                    "short", bar=True),
                    "p50": Column("p50", "s", decimals=2, width=80), "p99": Column("p99", "s", decimals=2, width=80),
                },
            ),
        ),
        (
            Table(
                "Tables", "What the store keeps, and how well it is compressed. Not tied to the time range.",
                "operations/tables", height=8,
                columns={
                    "table": Column("Table"), "rows": Column("Rows", "short"), "bytes": Column("On disk", "bytes",
                    bar=True),
                    "ratio": Column("Compression", "none", decimals=1),
                },
            ),
        ),
    ),
)  # fmt: skip
