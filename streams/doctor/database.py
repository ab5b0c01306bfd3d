"""The store: whether it answers, its version, its clock and its schema."""

import re
import time
from collections.abc import Iterator
from typing import Final

from schemas.errors import ConfigError, IntegrityError, WeirError
from streams.doctor.finding import Finding, missing, ok, warning
from streams.settings import Settings
from streams.store.client import Store
from streams.store.migrations import pending, shipped_migrations
from streams.store.retention import heedless, shipped_keeping
from streams.store.sql import query

_OLDEST: Final = (25, 8)  # the oldest that the schema was tried on
_SKEW_SECONDS: Final = 2.0
_MIGRATE: Final = "weir migrate"


def check_store(settings: Settings) -> Iterator[Finding]:
    """Whether ClickHouse answers; if it does, whether it is new enough, tells the same time and has the schema."""
    try:
        with Store(settings) as server:
            row = server.select(query("server"))[0]
    except WeirError as error:
        where = settings.clickhouse_url or f"port {settings.clickhouse_port}"
        field = f"{error.field}: " if error.field else ""
        yield missing(
            "clickhouse", f"{where}: {field}{error.message}", "weir up, or WEIR_CLICKHOUSE_URL=http://host:8123"
        )
        return
    yield server_finding(row["version"])
    skew = row["milliseconds"] / 1000 - time.time()
    if abs(skew) > _SKEW_SECONDS:
        what = f"{abs(skew):.0f} s {'before' if skew > 0 else 'behind'} this machine's"
        yield warning("store's clock", what, "synchronise the clocks")
    yield from _schema(settings)


def server_finding(version: str) -> Finding:
    """What there is to say of a version."""
    parts = re.findall(r"\d+", version)[:2]
    if tuple(map(int, parts)) >= _OLDEST:
        return ok("clickhouse", version)
    least = ".".join(map(str, _OLDEST))
    return warning("clickhouse", f"{version}; the schema was tried on {least} and later", "upgrade ClickHouse")


def _schema(settings: Settings) -> Iterator[Finding]:
    shipped = shipped_migrations()
    try:
        with Store.of(settings) as store:
            applied = {row["name"]: row["hash"] for row in store.select(query("applied_migrations"))}
            careless = heedless(store, shipped_keeping([each.script for each in shipped]))
        wanted = pending(shipped, applied)
    except ConfigError:
        yield missing("schema", f"the database {settings.database} is not set up", _MIGRATE)
    except IntegrityError as error:
        fix = "WEIR_DATABASE=another, or the version of Weir that made it"
        yield missing("schema", f"{error.field}: {error.message}", fix)
    except WeirError as error:
        yield missing("schema", error.message, _MIGRATE)
    else:
        if wanted:
            yield missing("schema", f"{len(wanted)} of {len(shipped)} migrations are pending", _MIGRATE)
        else:
            yield ok("schema", f"all {len(shipped)} migrations of {settings.database} are in place")
            if careless:
                what = f"altered by hand, so that policies' days do not count for it: {', '.join(careless)}"
                yield warning("retention", what, "WEIR_STORE_DAYS naming the table, then weir migrate")
