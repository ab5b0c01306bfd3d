"""The image's build file and what may go into it."""

import re
from pathlib import Path

import yaml

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
    assert DOCKERFILE.count("--require-hashes") == 2
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE


def test_only_what_is_listed_goes_into_the_build():
    """The build sees nothing but the sources: no .env, no data, no history."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert all((ROOT / rule[1:]).exists() for rule in rules if rule.startswith("!"))
    assert not [rule for rule in rules if rule.startswith(("!.", "!tests", "!build"))]
