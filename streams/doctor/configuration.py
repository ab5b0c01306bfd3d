"""What operators write: policies and the vault's key."""

from collections.abc import Iterator
from typing import Final

from guards.registry import refuse_unknown_names
from schemas.errors import WeirError
from streams.doctor.finding import Finding, missing, ok, warning
from streams.policies.files import read_policies
from streams.settings import Settings
from streams.store.migrations import keeping
from streams.store.retention import refuse_longer
from streams.vault.key_source import KEY_FILE, read_master_key

_PROBE: Final = b"\0" * 32


def check_policies(settings: Settings) -> Iterator[Finding]:
    """Whether every policy file can be used, and whether other apps than those named are served."""
    try:
        book = read_policies(settings.policies)
        refuse_unknown_names(book.policies)
    except WeirError as error:
        yield missing("policies", error.message, "mend the file, then: weir policy check FILE")
        return
    except OSError as error:
        yield missing("policies", f"{settings.policies}: {error.strerror}", "WEIR_POLICIES=/a/readable/folder")
        return
    try:
        kept = keeping(settings)
        for policy in book.policies:
            refuse_longer(policy, kept)
    except WeirError as error:
        fix = "fewer days, or more in WEIR_STORE_DAYS and weir migrate: the fewer ones count"
        yield warning("retention", f"{error.field}: {error.message}", fix)
    names = ", ".join(f"{policy.id}@{policy.version}" for policy in book.policies)
    apps = [app for policy in book.policies for app in policy.apps]
    served = "every app" if any(policy.default for policy in book.policies) else ", ".join(apps) or "no app"
    yield ok("policies", f"{names} for {served}")


def check_vault(settings: Settings) -> Iterator[Finding]:
    """Whether the vault's master key is there and works."""
    fix = "weir vault new-key --file KEY, then WEIR_VAULT_KEY_FILE=KEY"
    local = settings.home / KEY_FILE
    if settings.vault_key is None and settings.vault_key_file is None and local.exists():
        settings = settings.model_copy(update={"vault_key_file": local})
    try:
        master = read_master_key(settings)
        if master is not None and master.unwrap(master.wrap(_PROBE)) != _PROBE:
            yield missing("vault key", "it does not open what it has closed", fix)
            return
    except WeirError as error:
        where = f"{error.field}: " if error.field else ""
        yield missing("vault key", where + error.message, fix)
        return
    if master is None:
        yield warning("vault key", "none: `weir up` makes one, other processes keep no raw texts", fix)
    else:
        yield ok("vault key", f"{master.id} closes and opens")
