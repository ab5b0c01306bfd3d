"""What moved: a change of a rate told apart into segments that got worse and traffic that moved between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from monitors.intervals import CONFIDENCE, Estimate, Interval, wilson_of


@dataclass(frozen=True, slots=True)
class Segment:
    """Events and bad ones of a segment before and after; ``design`` is how much conversations inflate variances."""

    before: float
    bad_before: float
    after: float
    bad_after: float
    design: float = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """A segment's part in the change: ``within`` for its own rate, ``mix`` for its share of the traffic."""

    name: str
    within: Estimate
    mix: float


@dataclass(frozen=True, slots=True)
class Change:
    """Parts by falling weight; all within and mix add up to ``total``, the rate after less the rate before."""

    total: float
    parts: tuple[Part, ...]

    @property
    def within(self) -> float:
        """What segments' own rates did."""
        return sum(part.within.value or 0.0 for part in self.parts)

    @property
    def mix(self) -> float:
        """What the traffic's change of mix did: all of it, where no segment moves and the total does (Simpson)."""
        return sum(part.mix for part in self.parts)


def attributed(segments: Mapping[str, Segment], confidence: float = CONFIDENCE) -> Change | None:
    """Each segment's part, symmetric in before and after (Kitagawa 1955); None without events on either side.

    within = ½(w⁰+w¹)(p¹-p⁰), mix = (w¹-w⁰)(½(p⁰+p¹) - ½(P⁰+P¹)). The interval of within is Newcombe's (1998, method
    10) for a difference of shares, at the sizes that the design effect leaves, with the confidence split over the
    segments (Bonferroni): a lead to follow, not a cause. A segment that is new or gone has no rate on one side, and
    counts as if it were the other side's: all of it is mix.
    """
    before, after = (sum(getattr(s, side) for s in segments.values()) for side in ("before", "after"))
    if not before or not after:
        return None
    rate = [sum(s.bad_before for s in segments.values()) / before, sum(s.bad_after for s in segments.values()) / after]
    each = 1 - (1 - confidence) / len(segments)
    parts = [_part(name, s, (s.before / before, s.after / after), sum(rate) / 2, each) for name, s in segments.items()]
    parts.sort(key=lambda part: (-abs((part.within.value or 0.0) + part.mix), part.name))
    return Change(rate[1] - rate[0], tuple(parts))


def _part(name: str, segment: Segment, weights: tuple[float, float], middle: float, confidence: float) -> Part:
    if not segment.before or not segment.after:
        known = (segment.bad_before + segment.bad_after) / max(segment.before + segment.after, 1)
        return Part(name, Estimate(0.0, Interval(0.0, 0.0)), (weights[1] - weights[0]) * (known - middle))
    first, second = segment.bad_before / segment.before, segment.bad_after / segment.after
    one = wilson_of(first, segment.before / segment.design, confidence)
    two = wilson_of(second, segment.after / segment.design, confidence)
    change, weight = second - first, sum(weights) / 2
    low = change - sqrt((second - two.low) ** 2 + (one.high - first) ** 2)
    high = change + sqrt((two.high - second) ** 2 + (first - one.low) ** 2)
    within = Estimate(weight * change, Interval(weight * low, weight * high))
    return Part(name, within, (weights[1] - weights[0]) * ((first + second) / 2 - middle))


def design_effect(events: float, variance_of_means: float, rate: float, conversations: int) -> float:
    """How much conversations inflate the variance of a rate: that of their mean over that of independent events.

    ``variance_of_means`` is of one conversation's mean; at least 1.
    """
    independent = rate * (1 - rate) / max(events, 1)
    return max(1.0, variance_of_means / max(conversations, 1) / independent) if independent > 0 else 1.0
