"""What the documentation shows can be done: its JSON, its policies, and its commands with their options."""

import json
import re
import shlex

import pytest
import yaml
from typer.main import get_command

from schemas.policy import Policy
from streams.cli import app
from tests.fixtures.pages import PAGES, ROOT, examples, parameters

COMMANDS = get_command(app)
_WEIR = re.compile(r"(?:^|[;|&] *|[A-Z_]+=\S* +)weir ([^;|&<>#\n]*)")


@pytest.mark.parametrize("example", **parameters("json", but=("docs/calibration.md",)))  # lines there, one a text
def test_json_can_be_read(example):
    """A block of JSON is JSON."""
    assert json.loads(example.text)


@pytest.mark.parametrize("example", **parameters("yaml"))
def test_yaml_is_of_a_policy(example):
    """Every block of YAML is a policy, or a part that a policy may have."""
    assert Policy.model_validate({"id": "shop", "version": 1, **yaml.safe_load(example.text)})


@pytest.mark.parametrize("page", sorted({str(path.relative_to(ROOT)) for path in PAGES} - {"docs/tracing.md"}))  # spans
def test_commands_exist(page):
    """Every command that a page shows is one of weir's, and so is every option."""
    for words in shown(page):
        command = COMMANDS
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not COMMANDS, f"weir {' '.join(words)}"
        assert not (hasattr(command, "commands") and words), f"weir … {' '.join(words)}"
        known = {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}
        assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= known, words


def shown(page):
    """The words behind `weir` of every command on the page, in blocks and in the text."""
    lines = [
        line.removeprefix("$ ")
        for each in examples("sh", "console")
        if each.place.partition(":")[0] == page
        for line in each.text.splitlines()
    ]
    spans = re.findall(r"`(weir [a-z][^`]*)`", re.sub(r"^```.*?^```$", "", text(page), flags=re.MULTILINE | re.DOTALL))
    for line in (*lines, *spans):
        for found in _WEIR.findall(line):
            yield shlex.split(found.replace("…", ""), comments=True)


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")
