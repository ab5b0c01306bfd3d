"""How far sampling rates have to be lowered so that people can read what is drawn."""

from typing import Final

LEAST: Final = 0.001
"""The smallest factor. Never 0: what cannot be drawn at all is in no estimate."""


def factor(budget: float, spent: float, rate: float, seconds_left: float) -> float:
    """By what to multiply the sampling rates for the rest of the day: in [``LEAST``, 1].

    ``budget`` readings a day, ``spent`` of them today, ``rate`` readings a second that the rates as they stand come
    to, and the ``seconds_left``. What is left is spread evenly over the rest of the day. The factor depends on what
    was drawn before, never on the events that it is applied to, so that estimates by the probabilities that it leads
    to stay unbiased (design-based: the probability of every event is known before its draw).
    """
    wanted = rate * seconds_left
    allowed = max(0.0, budget - spent)
    return 1.0 if wanted <= allowed else max(LEAST, allowed / wanted)
