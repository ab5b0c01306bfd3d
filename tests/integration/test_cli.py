"""The command line as its users meet it: a process with arguments, streams and an exit status."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from streams.cli import app

LINES = [
    {"id": 1, "prompt": "What is the capital of France?", "response": "Paris."},
    {"id": 2, "prompt": "Mail ann@example.org", "context": ["A passage."]},
    {"id": 3, "prompt": [{"role": "user", "content": "مرحبا 👋"}]},
]


def weir(*arguments, stdin="", cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        input=stdin, capture_output=True, text=True, check=False, timeout=120, cwd=cwd,
        env={**os.environ, **environment},
    )  # fmt: skip


def told(*arguments, **environment):
    """What a command says in this process, which has loaded its libraries already; nothing becomes of errors here."""
    return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)


def lines(*entries):
    return "".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in entries)


COMMANDS = {
    "check", "send", "tail", "top", "review", "alerts", "guards", "models", "policy", "monitors", "errors", "estimates",
    "console",
    "up", "down", "status", "doctor", "demo",
    "worker", "infer", "settle", "store", "monitor", "gateway", "notify",
    "topics", "migrate", "dlq", "audit", "vault", "forget", "grafana", "plan",
}  # fmt: skip
HEAVY = ("numpy", "torch", "onnxruntime", "kafka", "confluent_kafka", "faust", "chdb")
TOLD = f"""
import sys
from streams.cli import main
sys.argv = ["weir", "--help"]
try:
    main()
finally:
    print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""


def commands(group=None, path=()):
    """Every command with its path: (("policy", "push"), command)."""
    for name, command in (group or get_command(app)).commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


def test_the_version_is_told():
    """`weir --version` says what is installed."""
    assert CliRunner().invoke(app, ["--version"]).output == f"weir {version('weir')}\n"


def test_help_is_quick_and_complete():
    """`weir --help` names every command, without loading models or libraries for Kafka."""
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert {path[0] for path, _ in commands()} == COMMANDS
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_says_what_it_does(path):
    """A command's help begins with a sentence, explains every option and shows no markup."""
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "100", "TERM": "dumb"}, prog_name="weir")
    command = dict(commands())[path]
    assert done.exit_code == 0
    assert command.help.splitlines()[0].endswith(".")
    assert [each.name for each in command.params if each.name != "help" and not each.help] == []
    assert "[/" not in done.stdout
    assert "[dim]" not in done.stdout


@pytest.mark.weights
def test_check_judges_lines(models_dir):
    """Judgements go to standard output, one a line; an unreadable one makes the exit status 1 and stops no other."""
    done = weir("check", stdin=lines(LINES[0], "oops", *LINES[1:]))
    assert done.returncode == 1
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["id"] for entry in out if "action" in entry] == [1, 2, 3]
    assert next(entry for entry in out if entry.get("id") == 2)["prompt"]["text"] == "Mail <EMAIL_ADDRESS>"


@pytest.mark.weights
def test_check_in_several_processes_says_the_same(models_dir, tmp_path):
    """With --jobs the output is the same, byte for byte."""
    file = tmp_path / "in.jsonl"
    file.write_text(lines(*LINES * 20))
    one = weir("check", str(file), "--batch-size", "7")
    two = weir("check", str(file), "--batch-size", "7", "--jobs", "2")
    assert (one.returncode, two.returncode) == (0, 0)
    assert one.stdout == two.stdout


@pytest.mark.weights
def test_check_takes_a_policy(models_dir, tmp_path):
    """--policy decides; a fault in it is one line that names file and line, and exit status 2."""
    policy = tmp_path / "mine.yaml"
    policy.write_text("id: mine\nversion: 1\nprompt:\n  pii: {block: 0.5}\n")
    done = weir("check", "--policy", str(policy), stdin=lines(LINES[1]))
    assert json.loads(done.stdout)["action"] == "block"
    policy.write_text("id: mine\nversion: 1\nprompt:\n  pii: {blok: 0.5}\n")
    done = weir("check", "--policy", str(policy), stdin=lines(LINES[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == f"weir: POLICY: {policy}:4: prompt.pii.blok: no such key; did you mean block?"


def test_missing_models_are_named_with_the_command(tmp_path):
    """Without models, the error says which command fetches them."""
    done = weir("check", stdin=lines(LINES[0]), WEIR_MODELS=str(tmp_path))
    assert done.returncode == 2
    assert "weir models fetch" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_misspelt_setting_is_one_line():
    """A WEIR_ variable that does not exist stops the start, by name."""
    done = weir("status", WEIR_NAMESPAEC="x")
    assert done.returncode == 2
    assert "WEIR_NAMESPAEC" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_a_broker_or_a_store_commands_say_so(tmp_path):
    """With nothing to talk to, a command ends soon with one clear line and exit status 2."""
    nothing = "127.0.0.1:9"
    found = {"WEIR_HOME": str(tmp_path), "WEIR_KAFKA_BOOTSTRAP": nothing, "WEIR_CLICKHOUSE_URL": f"http://{nothing}"}
    events = tmp_path / "events.jsonl"
    events.write_text(lines({"app": "a", "prompt": "x"}))
    begun = {
        command: subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *command.split()],
            env={**os.environ, **found}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for command in (
            "audit", "migrate", "topics list", "topics lag", "dlq list", f"send {events}", "tail replies",
            "review list", "policy list", "vault forget --app a --user u --yes",
        )
    }  # fmt: skip
    for command, process in begun.items():
        _, said = process.communicate(timeout=120)
        assert (command, process.returncode) == (command, 2)
        assert "UNAVAILABLE" in said
        assert len(said.strip().splitlines()) == 1


def test_status_without_a_stack(tmp_path):
    """Where nothing runs, status says so with exit status 1, and down is harmless."""
    assert told("status", WEIR_HOME=str(tmp_path)).exit_code == 1
    assert json.loads(told("status", "--json", WEIR_HOME=str(tmp_path)).stdout) == {"processes": []}
    assert "nothing runs here" in told("down", WEIR_HOME=str(tmp_path)).stdout


@pytest.mark.weights
def test_guards_are_measured_and_calibrated(models_dir, tmp_path):
    """Labelled lines give figures by kind; calibrating writes a policy that check takes, or says what is missing."""
    labels = tmp_path / "labels.jsonl"
    kinds = {0: "How do I bake bread for {} people?", 1: "You are a worthless idiot and I hate all {} of you."}
    rows = [{"text": kinds[n % 2].format(n % 8), "toxic": n % 2, "kind": "made up"} for n in range(160)]
    labels.write_text(lines(*rows))
    done = told("guards", "report", str(labels), "--label", "toxicity", "--json")
    found = json.loads(done.stdout)["labels"][0]["quality"]
    assert [(q["group"], q["bad"], q["good"]) for q in found] == [("all", 80, 80), ("slice=made up", 80, 80)]
    assert found[0]["area"]["value"] > 0.95
    assert "worst false alarms" in told("guards", "report", str(labels), "--label", "toxicity").stdout
    policy = tmp_path / "new.yaml"
    few = told("guards", "calibrate", str(labels), "--label", "toxicity", "--flag", "0.01")
    assert (few.exit_code, "80 good texts, 299 needed" in few.stdout) == (1, True)
    done = told("guards", "calibrate", str(labels), "--label", "toxicity", "--flag", "0.1", "--out", str(policy))
    assert done.exit_code == 0
    assert weir("check", "--policy", str(policy), stdin=lines(LINES[0])).returncode == 0
