"""The page of the store's views and tables, from the engine that the migrations were applied to."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from schemas.errors import UnavailableError
from streams.documents.markdown import table
from streams.local.engine import EnginePlan, engine_answers
from streams.local.ports import choose_port
from streams.settings import Settings
from streams.store.client import Store
from streams.store.migrations import migrate, shipped_migrations

_START_SECONDS: Final = 60.0
_ABOUT: Final = re.compile(
    r"((?:^--[^\n]*\n)+)^CREATE (?:OR REPLACE )?(?:TABLE|VIEW)(?: IF NOT EXISTS)? (\w+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the engine's type, and what the migration says of it."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view; ``days`` is how long a table keeps its rows, 0 without an end."""

    name: str
    is_view: bool
    days: int
    about: str
    columns: tuple[Column, ...]


def relations(settings: Settings) -> tuple[Relation, ...]:
    """Every table and view of the database, as the engine has them now."""
    query = files("streams.documents").joinpath("columns.sql").read_text(encoding="utf-8")
    with Store.of(settings) as store:
        rows = list(store.select(query))
    return _relations(rows, about(migration.script for migration in shipped_migrations()))


def shipped_columns() -> tuple[Relation, ...]:
    """What an empty store has after all migrations: an engine runs for it, and ends."""
    with tempfile.TemporaryDirectory() as directory:
        plan = EnginePlan(Path(directory), choose_port(), memory_mib=1024)
        with subprocess.Popen(plan.spec().command, stderr=subprocess.DEVNULL) as engine:
            try:
                settings = Settings(_env_file=None, clickhouse_url=plan.url)
                _wait(plan.url)
                migrate(settings)
                return relations(settings)
            finally:
                engine.terminate()


def _wait(url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not engine_answers(url):
        if time.monotonic() > end:
            raise UnavailableError("the engine does not answer")
        time.sleep(0.1)


def about(scripts: Iterable[str]) -> Mapping[str, str]:
    """What stands above each table and view in the migrations, by its name."""
    found = (match for script in scripts for match in _ABOUT.finditer(script))
    return {match[2]: " ".join(line.lstrip("- ") for line in match[1].splitlines()) for match in found}


def _relations(rows: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> tuple[Relation, ...]:
    comments = {(row["relation"], row["name"]): row["comment"] for row in rows}
    found = []
    for name, group in groupby(rows, itemgetter("relation")):
        lines = list(group)
        base = name.removeprefix("v_")  # most views pass a table's columns on
        columns = (
            Column(row["name"], row["type"], row["comment"] or comments.get((base, row["name"]), "")) for row in lines
        )
        found.append(
            Relation(name, bool(lines[0]["is_view"]), int(lines[0]["days"] or 0), texts.get(name, ""), tuple(columns))
        )
    return tuple(found)


def columns_page(found: Sequence[Relation]) -> str:
    """The page."""
    lines = [
        "# Views and tables",
        "",
        (
            "Made from the migrations in `deploy/migrations` by `make docs`, as the engine has them once all are "
            "applied. Read the views: they count every event once, however often it was stored. No column holds a "
            "text that was not masked before."
        ),
    ]
    for heading, is_view in (("Views", True), ("Tables", False)):
        lines += ["", f"## {heading}"]
        for relation in found:
            if relation.is_view == is_view:
                lines += ["", *_section(relation)]
    return "\n".join([*lines, ""])


def _section(relation: Relation) -> list[str]:
    kept = "" if relation.is_view else f"Rows are kept {relation.days} days." if relation.days else "Rows stay."
    text = " ".join(part for part in (relation.about, kept) if part)
    rows = ((f"`{column.name}`", f"`{plain_type(column.type)}`", column.comment) for column in relation.columns)
    return [f"### {relation.name}", "", *([text, ""] if text else []), *table(("Column", "Type", "Meaning"), rows)]


def plain_type(text: str) -> str:
    """A type as its reader thinks of it: without how it is stored, and enumerations by their names."""
    text = re.sub(r"LowCardinality\(([^()]*(?:\([^()]*\))?)\)", r"\1", text)
    return re.sub(r"Enum8\([^()]*\)", lambda match: re.sub(r" = -?\d+", "", match[0].replace("Enum8", "Enum")), text)
