"""Safety: what the guards find, where, and in what."""

from typing import Final

from deploy.grafana.board import APP, LANGUAGE, MODEL, STAGE, Board
from deploy.grafana.panel import Column, Series, Stat, Table

CONVERSATION: Final = "/d/weir-conversation?var-conversation=${__value.raw}&${__url_time_range}"

SAFETY: Final = Board(
    uid="weir-safety",
    title="Weir: safety",
    about="What the guards find, by guard, app, model and language. Personal data and secrets are masked in texts.",
    variables=(APP, STAGE, MODEL, LANGUAGE),
    rows=(
        (
            Stat(
                "Findings", "Of all guards, in live events, beyond what a policy allows. One event may have several.",
                "safety/found", "short", width=6,
            ),
            Stat(
                "Events with findings", "Share of live events in which more was found than the policy allows.",
                "safety/affected", "percentunit", decimals=2, width=6,
            ),
            Stat(
                "Leaks", "Personal data or secrets in answers that nobody had given before.", "safety/leaks", "short",
                steps=((0.0, "green"), (1.0, "red")), width=6,
            ),
            Stat(
                "Guard errors", "A guard failed, and the policy decided what became of the event.", "safety/errors",
                "short", steps=((0.0, "green"), (1.0, "red")), width=6,
            ),
        ),
        (
            Series("Findings by guard", "Findings of each guard over time.", "safety/guards", "short", by="by_guard"),
            Table(
                "Top findings", "What was found most, by guard, label and action.", "safety/labels", width=12, height=8,
                columns={
                    "guard": Column("Guard"), "label": Column("Label"), "outcome": Column("Action", width=80),
                    "findings": Column("Findings", "short", bar=True), "events": Column("Events", "short", width=80),
                    "mean_score": Column("Mean score", "none", decimals=2, width=90),
                },
            ),
        ),
        (
            Series(
                "Blocked by app", "Share of each app's events that were blocked.", "safety/by_app", "percentunit",
                by="by_app",
            ),
            Series(
                "Blocked by model",
                "Share of the events of each model that were blocked; nameless where none is known.",
                "safety/by_model", "percentunit", by="by_model",
            ),
        ),
        (
            Series(
                "Toxicity scores",
                "Quantiles, 0 to 1, higher is worse. A drift shows here before it shows in the rates.",
                "safety/toxicity", "none", ceiling=1.0,
            ),
            Series(
                "Injection scores", "Quantiles of prompts and of the worst context passage, 0 to 1, higher is worse.",
                "safety/injection", "none", ceiling=1.0,
            ),
        ),
        (
            Series(
                "Relevance and groundedness", "Quantiles, 0 to 1, lower is worse: the low end tells most.",
                "safety/relevance", "none", ceiling=1.0,
            ),
            Table(
                "Languages", "By the language of the prompt; ? where it cannot be told.", "safety/by_language",
                width=12, height=8,
                columns={
                    "language": Column("Language", width=90), "events": Column("Events", "short", bar=True),
                    "flagged": Column("Flagged", "percentunit", decimals=2, width=90),
                    "blocked": Column("Blocked", "percentunit", decimals=2, width=90),
                    "prompt_toxicity": Column("Prompt toxicity", "none", decimals=3, width=120),
                    "response_toxicity": Column("Response toxicity", "none", decimals=3, width=130),
                },
            ),
        ),
        (
            Table(
                "Policies", "The versions that judged live events.", "safety/policies", height=6,
                columns={
                    "policy": Column("Policy"), "version": Column("Version", "none"), "events": Column("Events",
                    "short"),
                    "flagged": Column("Flagged", "percentunit", decimals=2),
                    "blocked": Column("Blocked", "percentunit", decimals=2),
                    "first": Column("First", "dateTimeAsIso"), "last": Column("Last", "dateTimeAsIso"),
                },
            ),
        ),
        (
            Table(
                "Latest blocked events", "The last 50, masked; the first 500 characters of each text.", "safety/latest",
                height=11,
                columns={
                    "time": Column("Time", "dateTimeAsIso", width=160), "app": Column("App", width=100),
                    "stage": Column("Stage", width=80), "reasons": Column("Reasons", width=220),
                    "prompt": Column("Prompt"), "response": Column("Response"), "code": Column("Code", width=90),
                    "policy": Column("Policy", width=120),
                    "conversation": Column("Conversation", width=140, link=CONVERSATION), "event": Column("Event",
                    width=120),
                },
            ),
        ),
    ),
)  # fmt: skip
