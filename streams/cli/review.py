"""``weir review``: what waits for people, deciding about what is held, and labelling the sample."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli.tables import output, show

if TYPE_CHECKING:
    from schemas.label import Label
    from streams.reviews.desk import Desk, Tools
    from streams.reviews.stored import StoredReview

app = typer.Typer(
    help="What waits for people: decide about what is held, label the sample, see how far readers agree.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="The review's id, or as much of its beginning as tells it apart.")]
By = Annotated[str | None, typer.Option(help="Who decides; by default your account.")]
Reader = Annotated[str | None, typer.Option("--by", help="Who reads; by default your account.")]
Reason = Annotated[str | None, typer.Option(help="Why; it stays with the decision.")]
Note = Annotated[str | None, typer.Option(help="A remark; it is stored masked.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, one object a line.")]
App = Annotated[str, typer.Option("--app", help="Only of this app.")]
WhichKind = Annotated[Literal["hold", "sample"], typer.Option("--kind", help="What is held, or the sample.")]

_SEEN_SECONDS = 10.0


@app.command("list")
def list_reviews(
    kind: WhichKind = "hold",
    as_json: AsJson = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1_000,
) -> None:
    """Show what waits: holds oldest first, samples in a random order; personal data and secrets are masked.

    `alike` counts the reviews of the list that say nearly the same: `weir review label --alike` answers for all.
    """
    from streams.reviews.rendering import columns, rows
    from streams.reviews.stored import open_reviews
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = open_reviews(store, (kind,), most)
    if as_json:
        sys.stdout.write("".join(json.dumps(review.to_json()) + "\n" for review in found))
        return
    if not found:
        output().print("nothing waits for a person")
        return
    show("Held" if kind == "hold" else "Sampled", columns(kind), rows(kind, found, datetime.now(UTC)))


@app.command("next")
def take_next(
    kind: WhichKind = "sample",
    by: Reader = None,
    minutes: Annotated[int, typer.Option(min=1, max=240, help="How long you have it to yourself.")] = 15,
) -> None:
    """Take the next review that is nobody else's at the moment, and show it as it should be read."""
    with _desk(by) as desk:
        found = desk.next(kind, seconds=minutes * 60)
        if found is None:
            output().print("nothing waits for you")
            return
        _print(found, findings=not found.blind)


@app.command("show")
def show_review(
    review: Id,
    as_json: AsJson = False,
    findings: Annotated[
        bool, typer.Option("--findings", help="What the guards found, too, where two people are to read it blindly.")
    ] = False,
) -> None:
    """Show all of one review, masked: every text, what was found in it, and how it stands."""
    from streams.reviews.stored import find_review
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    settings = attached_settings()
    with Store.of(settings) as store:
        found = find_review(store, review, settings.experts)
    if as_json:
        sys.stdout.write(json.dumps(found.to_json()) + "\n")
    else:
        _print(found, findings=findings or not found.blind)


@app.command()
def label(  # noqa: PLR0913, PLR0917 - options of a command
    review: Id,
    answers: Annotated[
        list[str] | None, typer.Argument(help="QUESTION=yes or no: `toxicity=yes relevant=no pii.EMAIL_ADDRESS=no`.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Nothing is wrong: no to every problem not named, and relevant.")
    ] = False,
    alike: Annotated[
        bool, typer.Option("--alike", help="Answer the same for every sample that waits and says nearly the same.")
    ] = False,
    seen: Annotated[bool, typer.Option("--seen", help="You saw what the guards found, or what others said.")] = False,
    note: Note = None,
    by: Reader = None,
) -> None:
    """Answer questions about a review: `yes` to a guard's name says that the problem is there.

    Said again, it takes the place of what you said before.
    """
    from streams.reviews.questions import harmless, questions, read_answers

    said = read_answers(answers or ())
    with _desk(by) as desk:
        found = desk.find(review)
        for each in (found, *(desk.alike(found) if alike else ())):
            full = {**harmless(questions(each)), **said} if clean else said
            blind = False if seen else None
            _report(desk, desk.label(each, full, note=note, blind=blind), each)


@app.command()
def skip(review: Id, note: Note = None, by: Reader = None) -> None:
    """Leave a review to others: it does not wait for you any more."""
    with _desk(by) as desk:
        found = desk.find(review)
        _report(desk, desk.skip(found, note), found)


@app.command()
def undo(
    review: Annotated[str, typer.Argument(help="The review; by default your last one.")] = "", by: Reader = None
) -> None:
    """Take back what you said of a review, which then waits for you again."""
    with _desk(by) as desk:
        found = desk.find(review) if review else desk.last()
        _report(desk, desk.undo(found), found)


@app.command()
def unmask(
    review: Id,
    reason: Annotated[str, typer.Option(help="Why; it goes on record.")],
    by: By = None,
) -> None:
    """Show the raw texts of a review, once it is on record who saw them and why (v_unmaskings)."""
    from streams.account import account
    from streams.cli.vault import text_of
    from streams.reviews.stored import find_review
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store
    from streams.vault.archive import Wanted
    from streams.vault.unmasking import Warrant
    from streams.vault.unmasking import unmask as open_vault

    settings, name = attached_settings(), account()
    with Store.of(settings) as store:
        found = find_review(store, review)
    wanted = Wanted(found.request_id, found.app, found.source, found.stage)
    entries = open_vault(settings, wanted, Warrant(name if by is None else by, name, reason))
    for each in entries:
        sys.stdout.write(text_of(each))
    if not entries:
        typer.echo("nothing is kept of it: the masked text is all that there was", err=True)
    raise typer.Exit(0 if entries else 1)


@app.command()
def agreement(app_name: App = "", as_json: AsJson = False) -> None:
    """How far two people agree who read the same texts blindly, by question, with 95% intervals.

    Cohen's kappa of the first two readers of each text, Krippendorff's alpha of all: 1 is full agreement, 0 what
    chance would give.
    """
    from streams.reviews.agreement import read_agreement, values
    from streams.reviews.rendering import AGREEMENT_COLUMNS, agreement_row
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = read_agreement(store, app_name)
    if as_json:
        sys.stdout.write("".join(json.dumps(each) + "\n" for each in values(found)))
    elif not found:
        output().print("no text has been read blindly by two people yet")
    else:
        show("Agreement", AGREEMENT_COLUMNS, map(agreement_row, found))


@app.command()
def accuracy(app_name: App = "", as_json: AsJson = False) -> None:
    """How often each reader is wrong where an expert (`WEIR_REVIEW_EXPERTS`) has said what is so, with 95% intervals.

    False calls are of texts that are fine, misses of those that are not. Only blind readings count.
    """
    from streams.reviews.accuracy import read_accuracy, values
    from streams.reviews.rendering import ACCURACY_COLUMNS, accuracy_row
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    settings = attached_settings()
    with Store.of(settings) as store:
        found = read_accuracy(store, settings.experts, app_name)
    if as_json:
        sys.stdout.write("".join(json.dumps(each) + "\n" for each in values(found)))
    elif not settings.experts:
        output().print("nobody is named an expert: WEIR_REVIEW_EXPERTS")
    elif not found:
        output().print("nobody has read blindly what an expert has answered yet")
    else:
        show("Accuracy", ACCURACY_COLUMNS, map(accuracy_row, found))


@app.command()
def progress(as_json: AsJson = False) -> None:
    """How much has been read of what people were asked, by kind, app and stratum."""
    from streams.reviews.progress import COLUMNS, read_progress, row
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = read_progress(store)
    if as_json:
        sys.stdout.write("".join(json.dumps(each.to_json()) + "\n" for each in found))
    elif not found:
        output().print("nobody has been asked anything yet")
    else:
        show("Progress", COLUMNS, [row(each, datetime.now(UTC)) for each in found], named_by=3)


@app.command("export")
def export_labels(app_name: App = "") -> None:
    """Write every label, with the masked texts that it is about, as JSON lines."""
    from streams.reviews.exchange import exported
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        for line in exported(store, app_name):
            sys.stdout.write(line + "\n")


@app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="JSON lines as `export` writes them; `-` for standard input.")],
) -> None:
    """Read labels: JSON lines with `review_id`, `reader`, `answers`, and perhaps `note` and `blind`.

    Nothing is imported unless every line can be. Done again, it changes nothing.
    """
    from streams.reviews.desk import Desk
    from streams.reviews.exchange import read_lines

    stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    with stream, _tools() as tools:
        imported = read_lines(tools.store, stream)
        for review, line in imported:
            Desk(tools, line.reader).label(review, line.answers, note=line.note, blind=line.blind)
    typer.echo(f"imported {len(imported):,} labels")


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


def _print(review: "StoredReview", *, findings: bool) -> None:
    from streams.reviews.questions import questions
    from streams.reviews.rendering import details

    output().print(details(review if findings else review.unseen(), datetime.now(UTC)))
    if review.kind == "sample":
        output().print(f"asked: {', '.join(questions(review))}", style="dim")


def _report(desk: "Desk", said: "Label", review: "StoredReview") -> None:
    stored = "" if desk.wait_for(said, _SEEN_SECONDS) else "; sent and delivered, not in the store yet"
    what = "undone" if said.undone else "skipped" if said.skipped else _answers(said)
    output().print(f"{str(review.review_id)[:8]}: {what}{stored}", markup=False)


def _answers(said: "Label") -> str:
    return ", ".join(f"{question} {'yes' if yes else 'no'}" for question, yes in said.answers.items())


@contextmanager
def _desk(by: str | None) -> Iterator["Desk"]:
    """The desk of a reader."""
    from streams.account import account
    from streams.reviews.desk import Desk

    with _tools() as tools:
        yield Desk(tools, account() if by is None else by)


@contextmanager
def _tools() -> Iterator["Tools"]:
    """What desks work with. The models that mask notes are loaded for the first one."""
    from streams.masking.masker import LazyMasker
    from streams.reviews.desk import Tools
    from streams.reviews.leases import Leases
    from streams.reviews.posting import Post
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    settings = attached_settings()
    with Store.of(settings) as store, Post(settings) as post, Leases(settings, post) as leases:
        mask = LazyMasker(settings.models_directory).masked_text
        yield Tools(store, post, leases, mask, settings.experts, settings.review_known)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise typer.BadParameter("standard input is not UTF-8") from None


def _decide(review: str, action: str, by: str | None, reason: str | None, text: str | None = None) -> None:
    from streams.account import account
    from streams.reviews.deciding import decide, decision_on
    from streams.reviews.rendering import aftermath_text
    from streams.reviews.stored import find_review
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    settings = attached_settings()
    with Store.of(settings) as store:
        found = find_review(store, review)
    decision = decision_on(found, action, account() if by is None else by, text=text, reason=reason)
    output().print(aftermath_text(decide(settings, found, decision), found), markup=False)
