"""The signals: what each one reads from a verdict, and what its alarm is called. Pure.

A new signal is a name in ``schemas/signal.py``, a function here, a line in ``SIGNALS`` and a line in docs/alarms.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from typing import Final

from guards.refusal import REFUSED
from schemas.actions import Action
from schemas.alert import Severity
from schemas.errors import Code
from schemas.policy import Alarms
from schemas.signal import LANGUAGE_PREFIX, OTHER, TOPIC_PREFIX, UNUSUAL_TOPICS, SignalName
from schemas.verdict import SideJudgement, Verdict

_LONGEST_CHARS: Final = 100_000
_SLOWEST_SECONDS: Final = 60.0
_NEAREST: Final = 0.5
_FARTHEST: Final = 0.9  # almost all texts lie between, which is stretched to 0 to 1

Read = Callable[[Verdict], float | None]


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. ``read`` gives a verdict's value in [0, 1], None where it has none.

    ``rising`` and ``falling`` are how bad it is when the signal does that.
    """

    name: SignalName
    title: str
    alertname: str
    guard: str | None
    rising: Severity
    falling: Severity
    read: Read


def _side(side: str) -> Callable[[Verdict], SideJudgement | None]:
    if side == "prompt":
        return lambda verdict: verdict.judgement.prompt
    return lambda verdict: verdict.judgement.response


def _score(side: str, guard: str) -> Read:
    of = _side(side)

    def read(verdict: Verdict) -> float | None:
        judged = of(verdict)
        return judged.scores.get(guard) if judged else None

    return read


def _lack(side: str, guard: str) -> Read:
    """One less the score, where lower is worse."""
    score = _score(side, guard)

    def read(verdict: Verdict) -> float | None:
        found = score(verdict)
        return None if found is None else 1 - found

    return read


def _at_least(side: str, action: Action) -> Read:
    of = _side(side)

    def read(verdict: Verdict) -> float | None:
        judged = of(verdict)
        return None if judged is None else float(judged.action.severity >= action.severity)

    return read


def _length(side: str) -> Read:
    """On a logarithmic scale, 1 at 100,000 code points."""
    of = _side(side)

    def read(verdict: Verdict) -> float | None:
        judged = of(verdict)
        return None if judged is None else min(1.0, log1p(len(judged.text)) / log1p(_LONGEST_CHARS))

    return read


def _novelty(side: str) -> Read:
    """How far the text is from all topics known."""
    of = _side(side)

    def read(verdict: Verdict) -> float | None:
        judged = of(verdict)
        if judged is None or judged.novelty is None:
            return None
        return stretched(judged.novelty)

    return read


def stretched(distance: float) -> float:
    """The distance from known topics on the scale of its series."""
    return min(1.0, max(0.0, (distance - _NEAREST) / (_FARTHEST - _NEAREST)))


def _found(guard: str) -> Read:
    """Whether the guard found anything on any side."""

    def read(verdict: Verdict) -> float | None:
        if not _judged(verdict):
            return None
        return float(any(f.guard == guard and f.kind != "error" for f in verdict.judgement.findings()))

    return read


def _refusal(verdict: Verdict) -> float | None:
    judged = verdict.judgement.response
    score = judged.scores.get("refusal") if judged else None
    return None if score is None else float(score >= REFUSED)


def _guard_errors(verdict: Verdict) -> float | None:
    if not _judged(verdict) and verdict.code != Code.GUARD_FAILED:
        return None
    return float(verdict.code == Code.GUARD_FAILED or any(f.kind == "error" for f in verdict.judgement.findings()))


def _latency(verdict: Verdict) -> float | None:
    """From arrival on the broker to judgement, on a logarithmic scale, 1 at a minute."""
    seconds = max(0.0, (verdict.judged_at - verdict.position.time).total_seconds())
    return min(1.0, log1p(seconds) / log1p(_SLOWEST_SECONDS))


def _judged(verdict: Verdict) -> bool:
    return verdict.judgement.prompt is not None or verdict.judgement.response is not None


def _nothing(verdict: Verdict) -> float | None:  # noqa: ARG001 - the shape of every reader
    """Of signals that are read from elsewhere, or are several series."""
    return None


SIGNALS: Final[Mapping[str, Signal]] = {
    signal.name: signal
    for signal in (
        Signal("prompt_flagged", "share of prompts with a finding", "WeirPromptFlagged", None, "warning", "info",
               _at_least("prompt", Action.FLAG)),
        Signal("prompt_blocked", "share of prompts held or blocked", "WeirPromptBlocked", None, "warning", "info",
               _at_least("prompt", Action.HOLD)),
        Signal("prompt_toxicity", "toxicity of prompts", "WeirPromptToxicity", "toxicity", "warning", "info",
               _score("prompt", "toxicity")),
        Signal("injection", "injection in prompts", "WeirInjection", "injection", "critical", "info",
               _score("prompt", "injection")),
        Signal("prompt_length", "length of prompts", "WeirPromptLength", None, "info", "info", _length("prompt")),
        Signal("prompt_novelty", "distance of prompts from known topics", "WeirPromptNovelty", None, "warning", "info",
               _novelty("prompt")),
        Signal("topic", "share of a topic", "WeirTopicShare", None, "info", "info", _nothing),
        Signal(UNUSUAL_TOPICS, "share of prompts about topics that are not usual", "WeirUnusualTopics", None, "warning",
               "info", _nothing),
        Signal("language", "share of a language", "WeirLanguageShare", None, "info", "info", _nothing),
        Signal("response_flagged", "share of responses with a finding", "WeirResponseFlagged", None, "warning", "info",
               _at_least("response", Action.FLAG)),
        Signal("response_blocked", "share of responses held or blocked", "WeirResponseBlocked", None, "critical",
               "info", _at_least("response", Action.HOLD)),
        Signal("response_toxicity", "toxicity of responses", "WeirResponseToxicity", "toxicity", "critical", "info",
               _score("response", "toxicity")),
        Signal("irrelevance", "irrelevance of responses", "WeirIrrelevance", "relevance", "warning", "info",
               _lack("response", "relevance")),
        Signal("ungroundedness", "unsupported claims in responses", "WeirUngroundedness", "groundedness", "warning",
               "info", _lack("response", "groundedness")),
        Signal("refusal", "share of responses that refuse", "WeirRefusal", "refusal", "warning", "info", _refusal),
        Signal("response_length", "length of responses", "WeirResponseLength", None, "info", "info",
               _length("response")),
        Signal("response_novelty", "distance of responses from known topics", "WeirResponseNovelty", None, "warning",
               "info", _novelty("response")),
        Signal("personal_data", "share of events with personal data", "WeirPersonalData", "pii", "warning", "info",
               _found("pii")),
        Signal("secrets", "share of events with secrets", "WeirSecrets", "secrets", "critical", "info",
               _found("secrets")),
        Signal("guard_errors", "share of events that a guard failed on", "WeirGuardErrors", None, "critical", "info",
               _guard_errors),
        Signal("latency", "time to judge", "WeirLatency", None, "warning", "info", _latency),
        Signal("negative_feedback", "share of feedback that is negative", "WeirNegativeFeedback", None, "warning",
               "info", _nothing),
    )
}  # fmt: skip


def values(verdict: Verdict, watched: Sequence[Signal], alarms: Alarms) -> Iterator[tuple[str, float]]:
    """Every series that the verdict is an event of, with its value."""
    prompt = verdict.judgement.prompt
    for signal in watched:
        if signal.name == "language":
            yield from _shares(LANGUAGE_PREFIX, prompt.language if prompt else None, alarms.languages)
        elif signal.name == "topic":
            yield from _shares(TOPIC_PREFIX, prompt.topic if prompt else None, alarms.topics)
        elif (value := signal.read(verdict)) is not None:
            yield signal.name, value


def _shares(prefix: str, found: str | None, named: frozenset[str]) -> Iterator[tuple[str, float]]:
    """A series for each name, and one for all others; none where nothing is named, or nothing was found."""
    if found is None or not named:
        return
    for name in sorted(named):
        yield prefix + name, float(found == name)
    yield prefix + OTHER, float(found not in named)


def signal_of(series: str) -> Signal:
    """The signal that a series is one of."""
    return SIGNALS[series.partition(":")[0]]


def share_of(series: str) -> str | None:
    """Whose share it is, if it is one's: a language's or a topic's."""
    return series.partition(":")[2] or None
