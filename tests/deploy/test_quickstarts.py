"""The quick starts whose tools come from other registries: kcat, Node.js, Go."""

import shutil
import subprocess

import pytest

from tests.fixtures.quickstart import QUICKSTARTS, run_quickstart


def test_the_shell_asks_and_thanks(bootstrap, namespace):
    """kcat and jq are all that it needs."""
    for name in ("kcat", "jq"):
        assert shutil.which(name), f"apt-get install {name}"
    run_quickstart(bootstrap, namespace, QUICKSTARTS / "shell" / "ask.sh")


def test_node_asks_and_thanks(bootstrap, namespace, tmp_path):
    """kafkajs from npm, as package.json pins it."""
    shutil.copytree(QUICKSTARTS / "node", tmp_path, dirs_exist_ok=True)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=tmp_path, check=True, timeout=120)
    run_quickstart(bootstrap, namespace, "node", "ask.mjs", cwd=tmp_path)


def test_go_asks_and_thanks(bootstrap, namespace, tmp_path):
    """franz-go from the module proxy, as go.mod and go.sum pin it."""
    if shutil.which("go") is None:
        pytest.skip("Go is missing")
    shutil.copytree(QUICKSTARTS / "go", tmp_path, dirs_exist_ok=True)
    subprocess.run(["go", "build", "-mod=readonly", "-o", "ask", "."], cwd=tmp_path, check=True, timeout=280)
    run_quickstart(bootstrap, namespace, tmp_path / "ask", cwd=tmp_path)
