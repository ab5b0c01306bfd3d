"""What the monitor watches: the names of signals, the values in [0, 1] that it reads from an app's traffic."""

from typing import Final, Literal

SignalName = Literal[
    "prompt_flagged",
    "prompt_blocked",
    "prompt_toxicity",
    "injection",
    "prompt_length",
    "language",
    "response_flagged",
    "response_blocked",
    "response_toxicity",
    "irrelevance",
    "ungroundedness",
    "refusal",
    "response_length",
    "personal_data",
    "secrets",
    "guard_errors",
    "latency",
    "negative_feedback",
]
"""A signal is one series of an app, but ``language``: one series for the share of each language, ``language:de``."""

LANGUAGE_PREFIX: Final = "language:"
OTHER: Final = "other"
"""The share of every language, and of every segment, that has no name of its own."""
