"""Compose itself reads docker-compose.yml, without an engine."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.tools import TOOLS

ROOT = Path(__file__).parents[2]


def config(tmp_path, *options, text):
    """`docker compose config` with an .env of this text."""
    (tmp_path / ".env").write_text(text)
    command = [
        TOOLS["docker-compose"].path,
        "--env-file",
        tmp_path / ".env",
        "-f",
        ROOT / "docker-compose.yml",
        *options,
    ]
    return subprocess.run(
        [*command, "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )


def knobs(*, secrets):
    """The text of deploy/compose.env; ``secrets`` fills in those."""
    text = (ROOT / "deploy" / "compose.env").read_text(encoding="utf-8")
    return re.sub(r"^([A-Z_]+)=$", r"\1=x", text, flags=re.MULTILINE) if secrets else text


@pytest.mark.parametrize("profile", [(), ("--profile", "gpu"), ("--profile", "example")])
def test_compose_has_nothing_to_complain_about(tmp_path, profile):
    """With every secret set the file is read, in every profile, without a word."""
    done = config(tmp_path, *profile, text=knobs(secrets=True))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_secret_that_is_not_set_is_named(tmp_path):
    """Compose refuses to start without one."""
    done = config(tmp_path, text=knobs(secrets=False))
    assert done.returncode != 0
    assert "set it in .env" in done.stderr
