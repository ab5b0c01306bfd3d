"""``weir review``: what waits for a person, and deciding about it."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli.tables import output, show

app = typer.Typer(help="List and show what is held for a person, and decide about it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The review's id, or as much of its beginning as tells it apart.")]
By = Annotated[str | None, typer.Option(help="Who decides; by default your account.")]
Reason = Annotated[str | None, typer.Option(help="Why; it stays with the decision.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, one object a review.")]


@app.command("list")
def list_reviews(
    as_json: AsJson = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1_000,
) -> None:
    """Show what waits for a person, oldest first; personal data and secrets are masked."""
    from streams.attachment import attached_settings
    from streams.reviews.held import open_reviews
    from streams.reviews.rendering import COLUMNS, row
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = open_reviews(store, most)
    if as_json:
        sys.stdout.write("".join(json.dumps(review.to_json()) + "\n" for review in found))
        return
    if not found:
        output().print("nothing waits for a person")
        return
    now = datetime.now(UTC)
    show("Held", COLUMNS, [row(review, now) for review in found])


@app.command("show")
def show_review(review: Id, as_json: AsJson = False) -> None:
    """Show all of one review, masked: every text, what was found in it, and how its request stands."""
    from streams.attachment import attached_settings
    from streams.reviews.held import find_review
    from streams.reviews.rendering import details
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = find_review(store, review)
    if as_json:
        sys.stdout.write(json.dumps(found.to_json()) + "\n")
    else:
        output().print(details(found, datetime.now(UTC)))


@app.command()
def release(review: Id, by: By = None, reason: Reason = None) -> None:
    """Let it pass: a held prompt goes on to the model, a held response to the application."""
    _decide(review, "release", by, reason)


@app.command()
def refuse(review: Id, by: By = None, reason: Reason = None) -> None:
    """Answer the request with the policy's refusal."""
    _decide(review, "refuse", by, reason)


@app.command()
def edit(
    review: Id,
    text: Annotated[str, typer.Option(help="What takes its place; '-' for standard input.")],
    by: By = None,
    reason: Reason = None,
) -> None:
    """Let another text pass in its place: as the last user message of a held prompt, or as the response."""
    _decide(review, "edit", by, reason, _standard_input() if text == "-" else text)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise typer.BadParameter("standard input is not UTF-8") from None


def _decide(review: str, action: str, by: str | None, reason: str | None, text: str | None = None) -> None:
    from streams.account import account
    from streams.attachment import attached_settings
    from streams.reviews.deciding import decide, decision_on
    from streams.reviews.held import find_review
    from streams.reviews.rendering import aftermath_text
    from streams.store.client import Store

    settings = attached_settings()
    with Store.of(settings) as store:
        found = find_review(store, review)
    decision = decision_on(found, action, account() if by is None else by, text=text, reason=reason)
    output().print(aftermath_text(decide(settings, found, decision), found), markup=False)
