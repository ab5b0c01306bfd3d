"""What is installed and fetched: optional packages and models."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from models.catalog import ModelEntry, load_catalog
from models.store import FileState, verify
from schemas.errors import WeirError
from streams.doctor.finding import Finding, missing, ok, warning
from streams.policies.files import read_policies
from streams.settings import Settings

NO_MODEL: Final = "noop"
_INFER: Final = ("torch", "transformers", "accelerate", "gguf")
_DETOXIFY: Final = ("detoxify", "torch", "transformers")


def check_packages(settings: Settings) -> Iterator[Finding]:
    """Whether the packages of the extras are installed that the settings and policies ask for."""
    yield _extra("infer", _INFER, "`weir infer` with a real model", needed=settings.model != NO_MODEL)
    yield _extra("detoxify", _DETOXIFY, "policies with `toxicity: detoxify`", needed=_detoxify_is_chosen(settings))


def _extra(name: str, packages: Iterable[str], purpose: str, *, needed: bool) -> Finding:
    found = {package: _version(package) for package in packages}
    absent = [package for package, its_version in found.items() if its_version is None]
    if not absent:
        return ok(f"extra {name}", ", ".join(f"{package} {its_version}" for package, its_version in found.items()))
    if not needed:
        return ok(f"extra {name}", f"not installed, and not needed: it is for {purpose}")
    return missing(f"extra {name}", f"no {', '.join(absent)}: for {purpose}", f"pip install 'weir[{name}]'")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _detoxify_is_chosen(settings: Settings) -> bool:
    with suppress(WeirError):  # another check's business
        policies = read_policies(settings.policies).policies
        return any("detoxify" in model for policy in policies for model in policy.models.values())
    return False


def check_models(settings: Settings) -> Iterator[Finding]:
    """Whether the files of the models are here that the guards and the settings need, each with the right hash."""
    catalog = load_catalog()
    for entry in catalog.values():
        if (entry.name == settings.model) if entry.task == "generation" else entry.default:
            yield _model(entry, settings.models_directory)
    if settings.model not in catalog and settings.model != NO_MODEL and not Path(settings.model).exists():
        what = f"{settings.model} is neither in the catalog nor a folder: it is looked for on its hub"
        yield warning("model", what, "weir models list")


def _model(entry: ModelEntry, directory: Path) -> Finding:
    name, fix = f"model {entry.name}", f"weir models fetch {entry.name}"
    try:
        bad = [report for report in verify(entry, directory) if report.state is not FileState.OK]
    except OSError as error:
        return missing(name, f"{entry.folder(directory)}: {error.strerror}", fix)
    if not bad:
        return ok(name, f"{entry.version}, {entry.size_bytes / 1e6:.1f} MB, hashes as in the catalog")
    states = ", ".join(f"{report.name} {report.state}" for report in bad[:2])
    more = f" and {len(bad) - 2} more" if len(bad) > 2 else ""
    return missing(name, states + more, "reinstall weir" if entry.packaged else fix)
