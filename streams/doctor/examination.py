"""All checks at once, each in a thread of its own, and no longer than a deadline."""

import threading
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from schemas.errors import WeirError
from streams.doctor.cluster import check_kafka
from streams.doctor.configuration import check_policies, check_vault
from streams.doctor.database import check_store
from streams.doctor.finding import Check, Finding, missing, ok
from streams.doctor.machine import (
    check_disk,
    check_gpu,
    check_kafka_runtime,
    check_memory,
    check_ports,
    check_python,
)
from streams.doctor.software import check_models, check_packages
from streams.settings import Settings
from streams.stack.attachment import attached_settings

DEADLINE_SECONDS: Final = 20.0
CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "python": check_python,
        "java": check_kafka_runtime,
        "gpu": check_gpu,
        "memory": check_memory,
        "disk": check_disk,
        "ports": check_ports,
        "packages": check_packages,
        "models": check_models,
        "policies": check_policies,
        "vault": check_vault,
        "kafka": check_kafka,
        "clickhouse": check_store,
    }
)


def examine(checks: Mapping[str, Check] = CHECKS, deadline: float = DEADLINE_SECONDS) -> tuple[Finding, ...]:
    """What every check finds, in their order. Raises nothing, and takes ``deadline`` seconds at most.

    A check that fails or does not end says so, beside what it has found by then.
    """
    try:
        settings = attached_settings()
    except WeirError as error:
        return (missing("settings", f"{error.field or ''} {error.message}".strip(), "docs/settings.md lists them"),)
    except Exception as error:  # noqa: BLE001 - a home that cannot be read, or holds a broken state, is a finding
        return (missing("settings", f"WEIR_HOME cannot be read: {type(error).__name__}", "WEIR_HOME=/another/folder"),)
    end = time.monotonic() + deadline
    running = [_Running(name, check, settings) for name, check in checks.items()]
    where = f"namespace {settings.namespace}, database {settings.database}"
    return (ok("settings", where), *(finding for each in running for finding in each.findings(end, deadline)))


class _Running:
    """A check under way. Its thread is a daemon: one that hangs keeps nobody."""

    def __init__(self, name: str, check: Check, settings: Settings) -> None:
        self._name = name
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._run, args=(check, settings), name=f"doctor-{name}", daemon=True)
        self._thread.start()

    def findings(self, end: float, deadline: float) -> Sequence[Finding]:
        """What it has found once it ends, or by ``end`` of the monotonic clock."""
        self._thread.join(max(0.0, end - time.monotonic()))
        found = tuple(self._found)
        if self._thread.is_alive():
            return (
                *found,
                missing(
                    self._name, f"no answer in {deadline:g} s", "end what hangs and start it again, then: weir doctor"
                ),
            )
        return found

    def _run(self, check: Check, settings: Settings) -> None:
        try:
            self._found.extend(check(settings))
        except Exception as error:  # noqa: BLE001 - what a check did not expect is a finding, never a traceback
            what = f"cannot be looked at: {type(error).__name__}"
            self._found.append(missing(self._name, what, "a check's own fault: please report it"))
