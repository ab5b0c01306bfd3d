"""A policy that chooses Detoxify, from its file to its findings, beside policies that do not."""

import json
import os
import subprocess
import sys

import pytest

from guards.exchange import Exchange
from guards.pipeline import Case
from schemas.conversation import Message
from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from streams.judging.loading import load_pipeline
from streams.settings import Settings
from tests.fixtures.detoxify import FINE, FOUL, LONG

pytestmark = pytest.mark.weights

POLICY = """
id: chosen
version: 1
models: {toxicity: MODEL}
prompt: {toxicity: {block: 0.5}, pii: {redact: 0.5}}
"""
DETOXIFY = Policy.model_validate(
    {"id": "chosen", "version": 1, "models": {"toxicity": "detoxify"}, "prompt": {"toxicity": {"block": 0.5}}}
)
PLAIN = Policy.model_validate({"id": "plain", "version": 1, "prompt": {"toxicity": {"block": 0.5}}})


@pytest.fixture
def settings(taught_checkpoint, models_dir):
    return Settings(models=models_dir, detoxify=str(taught_checkpoint), device="cpu", _env_file=None)


def prompt(text, by):
    return Case(Exchange(prompt=(Message(role="user", content=text),)), by)


def weir_check(policy, *prompts, **environment):
    stdin = "".join(json.dumps({"prompt": text}) + "\n" for text in prompts)
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "check", "--policy", str(policy)],
        input=stdin, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def test_the_chosen_model_judges(settings, taught_model):
    """Scores, findings and version are Detoxify's for the policy that chooses it, and for no other, in one batch."""
    pipeline = load_pipeline(settings, [DETOXIFY, PLAIN])
    foul, plain, late, fine = pipeline.judge(
        [prompt(FOUL, DETOXIFY), prompt(FOUL, PLAIN), prompt(f"{LONG} {FOUL}", DETOXIFY), prompt(FINE, DETOXIFY)]
    )
    (scored,) = taught_model.score([FOUL])
    assert foul.prompt.scores["toxicity"] == pytest.approx(float(scored.values[0, 0]), abs=1e-5)
    assert {label for label in foul.prompt.scores if label in taught_model.labels} == set(taught_model.labels)
    assert "sexual_explicit" in plain.prompt.scores
    assert "sexual_explicit" not in foul.prompt.scores
    assert (foul.action, late.action, fine.action) == ("block", "block", "allow")
    finding = next(finding for finding in late.prompt.findings if finding.label == "toxicity")
    assert f"{LONG} {FOUL}"[finding.start : finding.end].strip() == FOUL
    assert pipeline.versions_for(DETOXIFY)["toxicity"] == taught_model.version
    assert pipeline.versions_for(PLAIN)["toxicity"].startswith("toxicity-head@")


def test_weir_check_judges_by_it(tmp_path, taught_checkpoint):
    """`weir check` with such a policy gives the model's findings, and writes nothing but judgements."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.replace("MODEL", "detoxify"))
    done = weir_check(file, FOUL, FINE, "\ud800", WEIR_DETOXIFY=str(taught_checkpoint), WEIR_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["action"] for entry in out[:2]] == ["block", "allow"]
    assert {finding["guard"] for finding in out[0]["prompt"]["findings"]} == {"toxicity"}
    assert {"toxicity", "insult", "identity_attack"} <= out[0]["prompt"]["scores"].keys()
    assert "threat" not in out[0]["prompt"]["scores"]


def test_weir_check_refuses_an_unknown_model(tmp_path):
    """A model that does not exist ends the command with one line that names those that do, before any judgement."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.replace("MODEL", "wizard"))
    done = weir_check(file, FOUL)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert "POLICY" in line
    assert "known: built-in, detoxify" in line


def test_a_later_policy_is_prepared_or_judged_all_the_same(settings):
    """A pipeline made without it takes a policy that chooses Detoxify, prepared or not."""
    pipeline = load_pipeline(settings, [PLAIN])
    assert pipeline.judge([prompt(FOUL, DETOXIFY)])[0].action == "block"
    pipeline.prepare([DETOXIFY])


def test_a_later_policy_without_its_model_is_an_error(settings):
    """Loading with it raises; judging by it all the same is an error finding with the fail mode, not a pass."""
    gone = settings.model_copy(update={"detoxify": "/nowhere/x.ckpt"})
    with pytest.raises(ConfigError, match=r"x\.ckpt") as caught:
        load_pipeline(gone, [DETOXIFY])
    assert caught.value.code is Code.MODEL_MISSING
    pipeline = load_pipeline(gone)
    judgement = pipeline.judge([prompt(FINE, DETOXIFY)])[0]
    assert judgement.action == "block"
    assert [(finding.kind, finding.label) for finding in judgement.prompt.findings] == [("error", "GUARD_FAILED")]


def test_a_missing_extra_is_named(settings, monkeypatch):
    """Without the package, the error says what to install."""
    monkeypatch.setitem(sys.modules, "models.detoxify_model", None)
    with pytest.raises(ConfigError, match=r"weir\[detoxify\]") as caught:
        load_pipeline(settings, [DETOXIFY])
    assert caught.value.code is Code.MODEL_MISSING


def test_what_nobody_chose_is_not_imported(models_dir):
    """Without a policy that wants Detoxify, torch stays out of the process."""
    code = """
import sys
from pathlib import Path
from streams.judging.loading import load_pipeline
from streams.settings import Settings
load_pipeline(Settings(models=Path(sys.argv[1]), _env_file=None))
sys.exit("torch" in sys.modules or "detoxify" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, str(models_dir)], check=False, timeout=120)
    assert done.returncode == 0
