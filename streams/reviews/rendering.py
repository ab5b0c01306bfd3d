"""Reviews as people read them on a terminal."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from monitors.intervals import Estimate
from schemas.actions import Action
from streams.printable import excerpt, printable
from streams.reviews.accuracy import Accuracy
from streams.reviews.agreement import Agreement
from streams.reviews.deciding import Aftermath
from streams.reviews.likeness import groups
from streams.reviews.stored import Found, Kind, Passage, StoredReview

HELD_COLUMNS: Final = ("review", "left", "app", "held", "worst finding", "masked")
SAMPLE_COLUMNS: Final = ("review", "app", "stage", "stratum", "read", "alike", "masked")
ACCURACY_COLUMNS: Final = ("reader", "question", "fine", "false calls", "not fine", "misses")
AGREEMENT_COLUMNS: Final = ("question", "texts", "disputed", "Cohen's kappa", "Krippendorff's alpha")
_ID_SHOWN: Final = 8  # digits: enough to tell a queue apart, and what `show` and the others accept
_EXCERPT: Final = 40
_STYLES: Final = {Action.BLOCK: "bold red", Action.HOLD: "bold yellow", Action.REDACT: "cyan", Action.FLAG: "yellow"}


def columns(kind: Kind) -> tuple[str, ...]:
    """What a list of such reviews shows."""
    return HELD_COLUMNS if kind == "hold" else SAMPLE_COLUMNS


def rows(kind: Kind, reviews: Sequence[StoredReview], now: datetime) -> Iterator[tuple[object, ...]]:
    """The cells of ``columns``, a row a review."""
    if kind == "hold":
        yield from (row(review, now) for review in reviews)
        return
    first = groups([review.held_text for review in reviews])
    for review, group in zip(reviews, first, strict=True):
        yield (
            str(review.review_id)[:_ID_SHOWN],
            excerpt(review.app, 16),
            review.stage,
            review.stratum,
            f"{review.answered} of {review.wanted}",
            first.count(group),
            excerpt(review.held_text, _EXCERPT),
        )


def row(review: StoredReview, now: datetime) -> tuple[str, ...]:
    """The cells of ``HELD_COLUMNS``."""
    remaining = review.remaining(now)
    return (
        str(review.review_id)[:_ID_SHOWN],
        left(remaining) if remaining is not None else "",
        excerpt(review.app, 16),
        review.side,
        _name(review.worst) if review.worst else "",
        excerpt(review.held_text, _EXCERPT),
    )


def accuracy_row(accuracy: Accuracy) -> tuple[object, ...]:
    """The cells of ``ACCURACY_COLUMNS``."""
    gold, false_calls, misses = accuracy.gold, _limits(accuracy.false_calls), _limits(accuracy.misses)
    return (accuracy.reader, accuracy.question, gold.good, false_calls, gold.bad, misses)


def agreement_row(agreement: Agreement) -> tuple[object, ...]:
    """The cells of ``AGREEMENT_COLUMNS``."""
    kappa, alpha = _limits(agreement.cohen), _limits(agreement.krippendorff)
    return (agreement.question, agreement.texts, agreement.disputed, kappa, alpha)


def _limits(estimate: Estimate) -> str:
    if estimate.value is None:
        return "not known"
    return f"{estimate.value:.2f} ({estimate.interval.low:.2f} to {estimate.interval.high:.2f})"


def left(remaining: timedelta) -> str:
    """A time span in its two greatest units; ``overdue`` when it is negative."""
    if remaining < timedelta(0):
        return "overdue"
    minutes, seconds = divmod(int(remaining.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))]
    first = next((index for index, part in enumerate(parts) if not part.startswith("0 ")), 3)
    return " ".join(parts[first : first + 2])


def details(review: StoredReview, now: datetime) -> Group:
    """All of a review: its request, every masked text with what was masked in it marked, and the findings."""
    return Group(*_details(review, now))


def _details(review: StoredReview, now: datetime) -> Iterator[RenderableType]:
    yield Text(str(review.review_id), style="bold")
    grid = Table.grid(padding=(0, 2))
    for name, value in _facts(review, now):
        grid.add_row(Text(name, style="dim"), Text(printable(value)))
    yield grid
    for passage in review.passages:
        title = passage.side if passage.side != "context" else f"context {passage.index + 1}"
        held = passage.side == review.side and not passage.beside
        text = marked(passage, [finding for finding in review.findings if _is_in(finding, passage)])
        if passage.beside:
            title += ", asked"
        yield Panel(text, title=f"{title}, held" if held else title, title_align="left",
                    border_style="yellow" if held else "dim")  # fmt: skip
    for finding in sorted(review.findings, key=lambda finding: finding.gravity, reverse=True):
        where = finding.side if finding.side != "context" else f"context {finding.index + 1}"
        line = Text(f"{finding.action:<7}", style=_STYLES.get(finding.action, ""))
        yield line.append(f"{where}: {_name(finding)}", style="default")


def _facts(review: StoredReview, now: datetime) -> tuple[tuple[str, str], ...]:
    remaining = review.remaining(now)
    if remaining is None:
        what, how = (
            "sampled",
            f"by {review.stage} under {review.policy}, as {review.stratum} at {review.probability:.4g}",
        )
        state = f"read by {review.answered} of {review.wanted}"
    else:
        what, how = "held", f"a {review.side}, by {review.stage} under {review.policy}"
        ended = " ".join(each for each in (review.state, review.status, review.code) if each)
        ending = f"{left(remaining)} left, then {review.on_expiry}"
        state = ending if review.is_open else f"closed: {ended}"
    return (
        (what, how),
        ("since", f"{review.opened_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("state", state),
        ("app", review.app),
        ("request", f"{review.request_id} from {review.source}"),
        ("conversation", review.conversation),
    )


def marked(passage: Passage, findings: list[Found]) -> Text:
    """The masked text with every placeholder of a finding in the colour of its action."""
    text = Text(printable(passage.text))
    for finding in findings:
        if finding.kind != "error":
            text.highlight_regex(re.escape(f"<{finding.label}>"), _STYLES.get(finding.action, ""))
    return text


def aftermath_text(aftermath: Aftermath | None, review: StoredReview) -> str:
    """What came of a decision, or how to look."""
    if aftermath is None:
        return f"sent and delivered; not seen to take effect yet: weir review show {str(review.review_id)[:_ID_SHOWN]}"
    if aftermath.state == "open":
        return "done: the request is on its way to the model"
    ended = " ".join(each for each in (aftermath.status, aftermath.code) if each)
    return f"done: the request is settled, {ended}"


def _name(finding: Found) -> str:
    if finding.score is None:
        return f"{finding.guard} failed"
    limit = f" (limit {finding.threshold:.2f})" if finding.threshold is not None else ""
    what = finding.guard if finding.label == finding.guard else f"{finding.guard} {finding.label}"
    return f"{what} {finding.score:.2f}{limit}"


def _is_in(finding: Found, passage: Passage) -> bool:
    place = (finding.side, finding.index if finding.side == "context" else 0)
    return not passage.beside and place == (passage.side, passage.index)
