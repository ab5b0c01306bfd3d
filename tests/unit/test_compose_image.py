"""The image's build file and what may go into it."""

import re
from pathlib import Path

import yaml

from models.catalog import load_catalog
from streams.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/images/Dockerfile").read_text(encoding="utf-8")


def test_the_build_that_compose_names_exists():
    """Compose builds from this file."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {s["build"]["dockerfile"] for s in services.values() if "build" in s} == {"deploy/images/Dockerfile"}


def test_the_images_settings_exist():
    """Every WEIR_ variable of the image is a setting."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", DOCKERFILE)) <= known


def test_packages_are_installed_by_hash_and_run_without_root():
    """Everything from an index is checked against a hash, and the process is an ordinary user."""
    for line in DOCKERFILE.splitlines():
        if "pip install" in line:
            assert "--require-hashes" in line or "--no-deps /wheels/" in line
    assert DOCKERFILE.count("--require-hashes") == 3
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE


def test_compose_builds_both_targets():
    """Both images are made here, the lean one by default, and neither stage that makes them is shipped."""
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert stages[-2:] == [("base", "infer"), ("base", "weir")]


def test_torch_is_in_the_models_image_alone():
    """The lean image has what the base lock names; torch comes with the infer lock, in the other one's stages."""
    by_stage = dict(zip(*[iter(re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert [name for name, steps in by_stage.items() if "-r requirements/infer.txt" in steps] == ["infer-build"]
    assert "--from=infer-build" not in by_stage["weir"]
    base = (ROOT / "requirements/base.txt").read_text(encoding="utf-8")
    assert not re.search(r"^(torch|nvidia-\S+|transformers)==", base, re.MULTILINE)


def test_the_models_that_are_needed_are_in_the_images():
    """The guards' models are fetched into the lean image and what answers into its own, each by name."""
    default = {entry.name: entry for entry in load_catalog().values() if entry.default and not entry.packaged}
    lean, infer = re.findall(r"weir models fetch --quiet ([\w -]+?) *\\$", DOCKERFILE, re.MULTILINE)
    assert set(lean.split()) == {name for name, entry in default.items() if entry.extra is None}
    assert infer.split() == [Settings.model_fields["model"].default]


def test_only_what_is_listed_goes_into_the_build():
    """The build sees nothing but the sources: no .env, no data, no history."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert all((ROOT / rule[1:]).exists() for rule in rules if rule.startswith("!"))
    assert not [rule for rule in rules if rule.startswith(("!.", "!tests", "!build"))]
