"""The page of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from streams.cli import app
from streams.documents.markdown import prose, table


def commands_page() -> str:
    """Every command with what it says of itself, its arguments and its options."""
    lines = [
        "# Commands",
        "",
        (
            "Made from `streams/cli` by `make docs`; `weir COMMAND --help` says the same. Addresses, names and keys "
            "are [settings](../settings.md). Where a command names no other status, it exits with 0 when it has done "
            "its work; a failure is one line on standard error and status 2."
        ),
    ]
    for depth, name, command in _walk(get_command(app), "weir"):
        lines += ["", *_section(depth, name, command)]
    return "\n".join([*lines, ""])


def _walk(command: Any, name: str, depth: int = 1) -> Iterator[tuple[int, str, Any]]:  # noqa: ANN401 - typer's own class
    if depth > 1:
        yield depth, name, command
    for part, inner in sorted(getattr(command, "commands", {}).items()):
        if not inner.hidden:
            yield from _walk(inner, f"{name} {part}", depth + 1)


def _section(depth: int, name: str, command: Any) -> list[str]:  # noqa: ANN401 - likewise
    context = command.context_class(command, info_name=name)
    lines = [f"{'#' * depth} {name}", "", prose(command.help)]
    if hasattr(command, "commands"):
        return lines
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    lines += ["", "```text", usage, "```"]
    records = [record for each in command.params if not each.hidden and (record := each.get_help_record(context))]
    if records:
        lines += ["", *table(("Argument or option", "Meaning"), ([f"`{name}`", text] for name, text in records))]
    return lines
