"""Quality: what people say of the guards and of the answers, with intervals."""

from typing import Final

from deploy.grafana.board import APP, Board
from deploy.grafana.panel import Column, Series, Stat, Table

QUALITY: Final = Board(
    uid="weir-quality",
    title="Weir: quality",
    about="What people who read a sample say of guards and answers, as estimates of all traffic; and what users say.",
    variables=(APP,),
    span="now-7d",
    rows=(
        (
            Stat("Labels", "Reviews that somebody answered in the time range.", "quality/read", "short"),
            Stat("Reviews waiting", "Holds and samples that wait for people, now.", "quality/waiting", "short"),
            Stat(
                "At odds", "Share of questions read by two or more on which they do not agree.", "quality/odds",
                "percentunit", decimals=1,
            ),
            Stat("Time to a label", "Median, from a review's opening.", "quality/latency", "s", decimals=0),
            Stat(
                "Opinions", "What users said of answers; of several by one of one thing the last.", "quality/said",
                "short",
            ),
            Stat(
                "Negative", "Share of opinions with a thumb down or a low rating.", "quality/negative", "percentunit",
                steps=((0.0, "green"), (0.2, "yellow"), (0.4, "red")), decimals=1,
            ),
        ),
        (
            Series(
                "Precision", "Of what a guard finds, the share that is so, as estimated from labels.",
                "quality/precision", "percentunit", by="by_question", ceiling=1.0,
            ),
            Series(
                "Recall", "Of what there is, the share that a guard finds. Believe it only with its interval, below.",
                "quality/recall", "percentunit", by="by_question", ceiling=1.0,
            ),
        ),
        (
            Series(
                "Relevance", "Share of answers that are to the point, with the ends of its interval.",
                "quality/relevance", "percentunit", ceiling=1.0,
            ),
            Series(
                "Prevalence", "Share of all traffic in which the problem is there, found or not.",
                "quality/prevalence", "percentunit", by="by_question",
            ),
        ),
        (
            Table(
                "Latest estimates",
                "Each with its interval, how it was made and from how much. `weir quality` says more.",
                "quality/estimates", height=10,
                columns={
                    "app": Column("App", width=100), "of_model": Column("Model", width=130),
                    "question": Column("Question"), "measure": Column("Measure", width=100),
                    "value": Column("Value", "percentunit", decimals=1, width=80),
                    "low": Column("Low", "percentunit", decimals=1, width=80),
                    "high": Column("High", "percentunit", decimals=1, width=80), "method": Column("Method", width=100),
                    "seen": Column("Verdicts", "short", width=90), "read": Column("Read", "short", width=70),
                    "noise": Column("Label noise", "percentunit", decimals=1, width=100),
                    "period_start": Column("From", "dateTimeAsIso", width=150),
                    "period_end": Column("To", "dateTimeAsIso", width=150),
                },
            ),
        ),
        (
            Series("Opinions over time", "What users said.", "quality/sentiment", "short", bars=True),
            Table(
                "Reasons", "What users gave as their reason, and whether a guard had found something, too.",
                "quality/reasons", width=12, height=8,
                columns={
                    "said": Column("Reason"), "opinions": Column("Opinions", "short", bar=True),
                    "negative": Column("Negative", "percentunit", decimals=1, width=90),
                    "mean_rating": Column("Mean rating", "none", decimals=1, width=100),
                    "also_found": Column("Guards found", "percentunit", decimals=1, width=110),
                },
            ),
        ),
        (
            Series(
                "Drawn for review", "Verdicts in the sample, by stratum.", "quality/sample", "short", by="by_stratum",
                bars=True,
            ),
            Table(
                "Readers", "Who read how much; blind: without seeing what guards and others said.", "quality/readers",
                width=12, height=8,
                columns={
                    "reader": Column("Reader"), "labels": Column("Labels", "short", bar=True),
                    "left_to_others": Column("Skipped", "short", width=80), "blindly": Column("Blind", "short",
                    width=70),
                    "p50": Column("Median time", "s", decimals=0, width=100),
                    "last": Column("Last", "dateTimeAsIso", width=150),
                },
            ),
        ),
    ),
)  # fmt: skip
