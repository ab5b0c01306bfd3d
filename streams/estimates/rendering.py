"""Figures as people read them on a terminal."""

from typing import Final

from streams.estimates.figures import Figure

COLUMNS: Final = ("app", "question", "measure", "value", "95% interval", "read", "seen", "how")
COLUMNS_BY_MODEL: Final = ("app", "model", *COLUMNS[1:])


def row(figure: Figure, *, by_model: bool = False) -> tuple[object, ...]:
    """The cells of ``COLUMNS``, or of ``COLUMNS_BY_MODEL``."""
    quality = figure.quality
    limits = quality.estimate.interval
    value = "not known" if quality.estimate.value is None else percent(quality.estimate.value)
    interval = f"{percent(limits.low)} to {percent(limits.high)}"
    cells = (figure.question, figure.measure, value, interval, quality.read, quality.seen, _how(figure))
    return (figure.app, figure.model, *cells) if by_model else (figure.app, *cells)


def percent(share: float) -> str:
    """A share with as many digits as tell it from 0 and from 1."""
    distance = min(share, 1 - share)
    return f"{share:.1%}" if distance == 0 or distance >= 0.01 else f"{share:.2%}"


def _how(figure: Figure) -> str:
    quality = figure.quality
    if quality.noise is None:
        return quality.method
    return f"{quality.method}; {percent(quality.noise)} of labels thought wrong, taken out"
