"""How wide the columns of a table are where it has to be narrower than it would like. Pure."""

from collections.abc import Sequence


def fitted(natural: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """Widths that take ``room`` at most, the widest column giving way first, and none below its least.

    None where even the least are too wide.
    """
    if sum(least) > room:
        return None
    widths = list(natural)
    while sum(widths) > room:
        widest = max((at for at in range(len(widths)) if widths[at] > least[at]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths
