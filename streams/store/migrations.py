"""The store's schema: numbered `.sql` files, applied in order, each once.

Every statement says ``IF NOT EXISTS`` or the like, so that a run that died half-way, or two runs at once, end in
the same schema.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Final

from schemas.errors import ConfigError, IntegrityError, UnavailableError
from schemas.topics import MIB
from streams.settings import Settings
from streams.store.client import Store
from streams.store.retention import Keeping, changes, keep, shipped_keeping, wanted_keeping
from streams.store.sql import query, statements

_ROOM_BYTES: Final = 32 * MIB


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, which orders it, and its text."""

    name: str
    script: str = field(repr=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the text."""
        return sha256(self.script.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that is in force. ``new``: this run applied it."""

    name: str
    new: bool


def shipped_migrations() -> tuple[Migration, ...]:
    """The migrations that come with this version, in order."""
    found = (files("deploy") / "migrations").iterdir()
    scripts = {entry.name: entry.read_text(encoding="utf-8") for entry in found if entry.name.endswith(".sql")}
    return tuple(Migration(name, scripts[name]) for name in sorted(scripts))


def pending(shipped: Sequence[Migration], applied: Mapping[str, str]) -> tuple[Migration, ...]:
    """Those of ``shipped`` that are not among the ``applied`` (name to hash).

    Raises:
        IntegrityError: a file has changed since it was applied; changes belong in a new file.
    """
    for migration in shipped:
        if applied.get(migration.name, migration.hash) != migration.hash:
            raise IntegrityError("the file has changed since it was applied", field=migration.name)
    return tuple(migration for migration in shipped if migration.name not in applied)


def migrate(settings: Settings, shipped: Sequence[Migration] | None = None) -> tuple[Applied, ...]:
    """Bring the database up to this version, creating it if need be; say what was there and what is new.

    Idempotent, and safe when several processes do it at once. A database of a newer version is left alone. Tables
    then keep their rows for as long as the settings say.

    Raises:
        ConfigError: the settings name a table that is none.
        IntegrityError: an applied file has changed.
        UnavailableError: the store does not answer, or its disk is as good as full.
    """
    shipped = shipped_migrations() if shipped is None else shipped
    if settings.database == "default":
        raise ConfigError("ClickHouse's own `default` will not do", field="WEIR_DATABASE")
    with Store(settings) as server:
        server.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")
    with Store.of(settings) as store:
        for statement in statements(query("create_schema_migrations")):
            store.command(statement)
        applied = {row["name"]: row["hash"] for row in store.select(query("applied_migrations"))}
        kept = keeping(settings, shipped)
        wanted = pending(shipped, applied)
        if wanted:
            _check_room(store)
        for migration in wanted:
            _apply(store, migration)
        if changed := changes(store, kept, settings.store_days):
            _check_room(store)
        for each in changed:
            keep(store, each)
    new = {migration.name for migration in wanted}
    return tuple(Applied(migration.name, migration.name in new) for migration in shipped)


def _apply(store: Store, migration: Migration) -> None:
    for statement in statements(migration.script):
        store.command(statement)
    row = {"name": migration.name, "hash": migration.hash}
    store.insert("schema_migrations", [row], token=migration.hash)


def keeping(settings: Settings, shipped: Sequence[Migration] | None = None) -> tuple[Keeping, ...]:
    """For how long tables keep their rows once the settings have been put in force.

    Raises:
        ConfigError: the settings name a table that is none.
    """
    shipped = shipped_migrations() if shipped is None else shipped
    return wanted_keeping(shipped_keeping([each.script for each in shipped]), settings.store_days)


def _check_room(store: Store) -> None:
    """Change no table on a full disk: ClickHouse 26.9 would leave it without its definition, and not start again."""
    free = int(store.select(query("room"))[0]["bytes"])
    if free < _ROOM_BYTES:
        raise UnavailableError(f"the store's disk has {free // MIB} MiB left, too few to change its tables safely")
