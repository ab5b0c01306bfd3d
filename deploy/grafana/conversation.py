"""Conversation: one conversation's whole story."""

from typing import Final

from deploy.grafana.board import APP, Board, Entry
from deploy.grafana.panel import Column, Series, Table

_TIME: Final = Column("Time", "dateTimeAsIso", width=170)

CONVERSATION_BOARD: Final = Board(
    uid="weir-conversation",
    title="Weir: conversation",
    about="One conversation's whole story: what came, what was found in it, what became of it. Texts are masked.",
    variables=(APP, Entry("conversation", "Conversation",
    "A conversation's id; the tables of other boards lead here.")),
    rows=(
        (
            Table(
                "Story", "Everything that happened, in order, by each process's own clock.", "conversation/story",
                height=10,
                columns={
                    "time": _TIME, "what": Column("What", width=220), "outcome": Column("Outcome", width=100),
                    "detail": Column("Detail"), "event": Column("Event", width=160),
                },
            ),
        ),
        (
            Table(
                "Texts", "What was said, personal data and secrets masked.", "conversation/texts", height=10,
                columns={
                    "time": _TIME, "stage": Column("Stage", width=80), "outcome": Column("Action", width=80),
                    "language": Column("Language", width=90), "prompt": Column("Prompt"),
                    "response": Column("Response"),
                    "context": Column("Context"),
                },
            ),
        ),
        (
            Table(
                "Findings", "Where each guard found something; offsets are code points of the original text.",
                "conversation/findings", width=16,
                columns={
                    "time": _TIME, "stage": Column("Stage", width=80), "side": Column("Side", width=90),
                    "guard": Column("Guard"), "label": Column("Label"), "kind": Column("Kind", width=70),
                    "score": Column("Score", "none", decimals=2, width=70),
                    "threshold": Column("Threshold", "none", decimals=2, width=90),
                    "outcome": Column("Action", width=80), "origin": Column("Origin", width=70),
                    "start": Column("Start", "none", width=70), "end": Column("End", "none", width=70),
                },
            ),
            Series("Scores", "Turn by turn, 0 to 1.", "conversation/scores", "none", ceiling=1.0, width=8, height=9),
        ),
        (
            Table(
                "Conversations", "The worst first, then the latest; its id opens one above.", "conversation/list",
                columns={
                    "conversation": Column(
                        "Conversation", link="/d/weir-conversation?var-conversation=${__value.raw}&${__url_time_range}"
                    ),
                    "of_app": Column("App"), "first": Column("First", "dateTimeAsIso"), "last": Column("Last",
                    "dateTimeAsIso"),
                    "events": Column("Events", "short"), "worst": Column("Worst action"),
                    "prompt_toxicity": Column("Prompt toxicity", "none", decimals=2),
                    "response_toxicity": Column("Response toxicity", "none", decimals=2),
                },
            ),
        ),
    ),
)  # fmt: skip
