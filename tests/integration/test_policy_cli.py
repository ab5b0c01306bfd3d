"""``weir policy`` as an operator meets it, on a real broker."""

import json
import sys
from dataclasses import dataclass

import pytest

from schemas.topics import POLICIES
from streams.cli import main

pytestmark = pytest.mark.kafka

SHOP = """\
id: shop
version: 1
apps: [shop]
prompt:
  toxicity: {flag: 0.5, block: 0.95}
"""


@dataclass
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def weir(bootstrap, namespace, new_topic, tmp_path, monkeypatch, capsys):
    """A function that runs ``weir policy`` in an installation with one policy in a file."""
    new_topic(POLICIES.name, **{name.replace(".", "_"): value for name, value in POLICIES.config.items()})
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "shop.yaml").write_text(SHOP)
    settings = {"KAFKA_BOOTSTRAP": bootstrap, "NAMESPACE": namespace.prefix, "POLICIES": str(tmp_path / "files")}
    for name, value in {**settings, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(f"WEIR_{name}", value)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["weir", "policy", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def write(tmp_path):
    """A function that writes a version of the policy to a file."""

    def version(number, block, **replaced):
        text = SHOP.replace("version: 1", f"version: {number}").replace("0.95", str(block))
        for old, new in replaced.items():
            text = text.replace(old, new)
        path = tmp_path / f"shop-{number}.yaml"
        path.write_text(text)
        return path

    return version


def listed(weir):
    done = weir("list", "--json")
    assert done.status == 0, done.stderr
    (entry,) = json.loads(done.stdout)
    candidate = entry["candidate"] and (entry["candidate"]["version"], entry["candidate"]["mode"])
    return entry["current"]["version"], candidate, [each["version"] for each in entry["history"]], entry["changed_by"]


def test_a_rollout_from_file_to_all_and_back(weir, write):
    """Push, list, promote, show, roll back: each command says what it did, and the list agrees."""
    assert listed(weir) == (1, None, [], None)
    done = weir("push", write(2, 0.9), "--by", "ann")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "shop: in force: 1, on trial: 2 (shadow)"
    assert "prompt.toxicity.block  0.95 → 0.9" in done.stdout
    assert listed(weir) == (1, (2, "shadow"), [], "ann")
    assert "2 (20%)" in weir("promote", "shop", "--share", "0.2").stdout
    done = weir("promote", "shop", "--all", "--by", "bea")
    assert done.stdout.startswith("shop: in force: 2\n")
    assert listed(weir) == (2, None, [1], "bea")
    assert "block: 0.9" in weir("show", "shop").stdout
    assert "ignore" not in weir("show", "shop").stdout
    assert "block: 0.95" in weir("show", "shop", "1").stdout
    assert weir("rollback", "shop").stdout.startswith("shop: in force: 1\n")
    assert listed(weir)[:3] == (1, None, [])
    assert weir("reset", "shop").status == 0
    assert listed(weir) == (1, None, [], None)


def test_differences_of_files_and_versions(weir, write):
    """A file is compared with what is in force, and versions with each other."""
    file = write(2, 0.9)
    of_file = weir("diff", file).stdout
    assert "prompt.toxicity.block  0.95 → 0.9" in of_file
    weir("push", file, "--all")
    assert weir("diff", "shop").stdout == of_file
    assert "prompt.toxicity.block  0.9 → 0.95" in weir("diff", "shop", "2", "1").stdout
    assert "do the same" in weir("diff", file).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("promote", "shop", "--all"), "POLICY [shop]: nothing is on trial"),
        (("promote", "nobody", "--all"), "POLICY [nobody]: there is no such policy"),
        (("rollback", "shop"), "POLICY [shop]: nothing is on trial and nothing was in force before"),
        (("show", "shop", "7"), "POLICY [shop]: there is no version 7 to look at; there are 1"),
    ],
)
def test_nonsense_is_one_line(weir, arguments, words):
    """What makes no sense is one line that names the policy, and exit status 2."""
    done = weir(*arguments)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith(f"weir: {words}")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_with_a_fault_is_not_sent(weir, write):
    """A fault is named by file, line and key, and so is a choice that nothing can meet; nothing gets into the topic."""
    file = write(2, 0.9, flag="flog")
    for command in ("push", "check", "diff"):
        done = weir(command, file)
        assert done.status == 2
        assert done.stderr.strip() == f"weir: POLICY: {file}:5: prompt.toxicity.flog: no such key; did you mean flag?"
    file.write_text(SHOP.replace("version: 1", "version: 2") + "models: {toxicity: nothing-like-it}\n")
    assert "toxicity has no model" in weir("push", file).stderr
    file.write_text(SHOP.replace("version: 1", "version: 2") + "retention: {days: 91}\n")
    for command in ("push", "check"):
        done = weir(command, file)
        assert (done.status, "[retention.days]: policy shop: 91 is more than the 90 days" in done.stderr) == (2, True)
    assert listed(weir) == (1, None, [], None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "FILE", "--shadow", "--all"),
        ("push", "FILE", "--share", "1.5"),
        ("push", "FILE", "--by", "a\nb"),
        ("promote", "shop"),
        ("promote", "shop", "--share", "0.5", "--all"),
        ("diff", "FILE", "2"),
    ],
)
def test_wrong_use_is_told(weir, write, arguments):
    """Options that exclude each other, shares that are none and names that cannot be printed are usage errors."""
    file = write(2, 0.9)
    done = weir(*(file if each == "FILE" else each for each in arguments))
    assert (done.status, done.stdout) == (2, "")
    assert "Usage" in done.stderr
