"""Where a text has to stop."""

from collections.abc import Sequence


def before_stop(text: str, stops: Sequence[str]) -> str | None:
    """The text before the first stop in it; None where there is none. An empty stop stops nothing."""
    places = [place for place in (text.find(stop) for stop in stops if stop) if place >= 0]
    return text[: min(places)] if places else None
