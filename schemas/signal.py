"""What the monitor watches: the names of signals, the values in [0, 1] that it reads from an app's traffic."""

from typing import Final, Literal

SignalName = Literal[
    "prompt_flagged",
    "prompt_blocked",
    "prompt_toxicity",
    "injection",
    "prompt_length",
    "prompt_novelty",
    "topic",
    "unusual_topics",
    "language",
    "response_flagged",
    "response_blocked",
    "response_toxicity",
    "irrelevance",
    "ungroundedness",
    "refusal",
    "response_length",
    "response_novelty",
    "personal_data",
    "secrets",
    "guard_errors",
    "latency",
    "negative_feedback",
]
"""A signal is one series of an app, but ``language`` and ``topic``: one series for each share, ``language:de``."""

LANGUAGE_PREFIX: Final = "language:"
TOPIC_PREFIX: Final = "topic:"
UNUSUAL_TOPICS: Final = "unusual_topics"
OTHER: Final = "other"
"""The share of every language, topic and segment that has no name of its own."""
