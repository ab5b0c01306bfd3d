"""``weir policy``: versions of policies, from the file to every conversation and back."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.policy import Policy
    from streams.rollout.changes import Signature
    from streams.rollout.register import Decide
    from streams.rollout.standing import Standing

app = typer.Typer(
    help="Try policies out, put them in force and take them back, without a restart.", no_args_is_help=True
)

By = Annotated[str | None, typer.Option(help="Who; by default your account.")]
Share = Annotated[float | None, typer.Option(min=0, max=1, help="Let it decide for this share of conversations.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The policy's id.")]
File = Annotated[Path, typer.Argument(help="A policy in YAML.")]


@app.command()
def check(file: File) -> None:
    """Read a policy file as `push` would, and send nothing. Exit status: 2 if it has a fault."""
    policy = _read(file)
    typer.echo(f"{policy.id} {policy.version} ({policy.reference.hash}) is a good policy")


@app.command()
def push(
    file: File,
    shadow: Annotated[bool, typer.Option("--shadow", help="Let it watch and decide nothing (the default).")] = False,
    share: Share = None,
    everyone: Annotated[bool, typer.Option("--all", help="Put it in force for every conversation.")] = False,
    by: By = None,
) -> None:
    """Send a new version of a policy to every process: on trial, or in force.

    A fault in the file is named by line and key before anything is sent.

    `weir policy push shop.yaml --share 0.1`
    """
    from schemas.policy_release import Candidate
    from streams.rollout.changes import put_in_force, try_out

    if [shadow, share is not None, everyone].count(True) > 1:
        raise typer.BadParameter("expected one of --shadow, --share and --all at most")
    policy, signature = _read(file), _signature(by)
    candidate = Candidate(policy=policy, mode="shadow" if share is None else "share", share=share or 0.0)
    if everyone:
        _change(policy.id, lambda versions: put_in_force(versions, policy, signature))
    else:
        _change(policy.id, lambda versions: try_out(versions, candidate, signature))


@app.command()
def promote(
    policy_id: Id,
    share: Share = None,
    everyone: Annotated[bool, typer.Option("--all", help="Put it in force for every conversation.")] = False,
    by: By = None,
) -> None:
    """Let the version on trial decide for a larger share of conversations, or for all. No conversation goes back."""
    from streams.rollout.changes import promote as raise_share

    if (share is not None) == everyone:
        raise typer.BadParameter("expected one of --share and --all")
    signature = _signature(by)
    _change(policy_id, lambda versions: raise_share(versions, share, signature))


@app.command()
def rollback(policy_id: Id, by: By = None) -> None:
    """Withdraw the version on trial; if there is none, put the version in force that was so before."""
    from streams.rollout.changes import roll_back

    signature = _signature(by)
    _change(policy_id, lambda versions: roll_back(versions, signature))


@app.command()
def reset(policy_id: Id) -> None:
    """Forget every version that was pushed: the files of WEIR_POLICIES count again, if they have the policy."""
    from streams.rollout.changes import go_back_to_files

    _change(policy_id, go_back_to_files)


@app.command("list")
def list_policies(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Show which versions are in force, on trial and before. Policies of files are those of WEIR_POLICIES here."""
    from streams.cli.tables import show as show_table
    from streams.rollout.register import read_register
    from streams.rollout.rendering import COLUMNS, entry, row
    from streams.stack.attachment import attached_settings

    register = read_register(attached_settings())
    for refusal in register.refusals:
        typer.echo(f"policies:0:{refusal.offset} is refused by every process: {refusal.code}", err=True)
    policies = [versions for _, versions in sorted(register.standing.policies.items())]
    if as_json:
        sys.stdout.write(json.dumps([entry(versions) for versions in policies]) + "\n")
    else:
        show_table("Policies", COLUMNS, map(row, policies))


@app.command()
def show(
    policy_id: Id,
    version: Annotated[int | None, typer.Argument(help="By default the one in force.")] = None,
) -> None:
    """Print a version as YAML, fit to be pushed again; what is as by default is left out."""
    from schemas.policy_file import write_policy

    policy = _standing().versions(policy_id).pick(version)
    sys.stdout.write(write_policy(policy.model_dump(mode="json", exclude_defaults=True)))


@app.command()
def diff(
    what: Annotated[str, typer.Argument(metavar="ID|FILE", help="A policy's id; or a file, against what is in force.")],
    old: Annotated[int | None, typer.Argument(help="A version.")] = None,
    new: Annotated[int | None, typer.Argument(help="Another; by default the one in force.")] = None,
) -> None:
    """Show what changes between two versions of a policy in what they do, key by key.

    Without versions: between the one in force and the one on trial, else between the one before and the one in force.
    """
    if _is_file(what):
        if old is not None:
            raise typer.BadParameter("a file is compared with what is in force")
        policy = _read(Path(what))
        _print_differences(_standing().versions(policy.id).current, policy)
    else:
        versions = _standing().versions(what)
        _print_differences(*versions.pair(old, new))


def _read(file: Path) -> "Policy":
    from guards.registry import refuse_unknown_names
    from streams.policies.files import read_policy
    from streams.settings import load_settings
    from streams.store.migrations import keeping
    from streams.store.retention import refuse_longer

    policy = read_policy(file)
    refuse_unknown_names([policy])
    refuse_longer(policy, keeping(load_settings()))
    return policy


def _signature(by: str | None) -> "Signature":
    from datetime import UTC, datetime

    from pydantic import TypeAdapter, ValidationError

    from schemas.record import Identifier
    from streams.account import account
    from streams.rollout.changes import Signature

    try:
        name = TypeAdapter(Identifier).validate_python(account() if by is None else by)
    except ValidationError:
        raise typer.BadParameter("--by: expected a name of 1 to 256 printable characters") from None
    return Signature(name, datetime.now(UTC))


def _change(policy_id: str, decide: "Decide") -> None:
    from streams.cli.tables import output
    from streams.rollout.register import change
    from streams.rollout.rendering import change_text
    from streams.stack.attachment import attached_settings

    output().print(change_text(change(attached_settings(), policy_id, decide)), soft_wrap=True)


def _print_differences(before: "Policy | None", after: "Policy") -> None:
    from streams.cli.tables import output
    from streams.rollout.rendering import comparison_text

    output().print(comparison_text(before, after), soft_wrap=True)


def _standing() -> "Standing":
    from streams.rollout.register import read_register
    from streams.stack.attachment import attached_settings

    return read_register(attached_settings()).standing


def _is_file(what: str) -> bool:
    return not re.fullmatch(r"[a-z0-9-]+", what)  # an id has no dot and no slash
