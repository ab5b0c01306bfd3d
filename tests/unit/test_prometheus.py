"""The rules for Prometheus: they are valid, fire when they should, ask for metrics that exist, and name a runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from schemas.topics import INTERACTIONS
from streams.metrics import Metrics
from tests.fixtures.judging import arriving, loaded, policy, surroundings

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus"
ALERTS = [
    rule
    for group in yaml.safe_load((RULES / "rules/alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
RECORDS = [
    rule
    for group in yaml.safe_load((RULES / "rules/recording.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS = yaml.safe_load((RULES / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
_METRIC = re.compile(r"\bweir_[a-z0-9_]+")
_RECORD = re.compile(r"\bweir:[a-z0-9_:]+")


def promtool(*arguments):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool: apt-get install prometheus")
    return subprocess.run([program, *arguments], cwd=RULES, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "rules/recording.yml", "rules/alerts.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "config", "--syntax-only", "compose.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=["rules", "config", "compose", "tests"],
)
def test_promtool_agrees(arguments):
    """Prometheus' own tool reads the files, and every alert fires when the tests say so and not otherwise."""
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def names():
    """Every series that the processes have, as Prometheus knows them."""
    return {
        sample
        for family in Metrics().registry.collect()
        for sample in (family.name, f"{family.name}_total", *(f"{family.name}_{s}" for s in ("bucket", "count", "sum")))
    }


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDS], ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_what_there_is(rule):
    """Every metric in a rule is one of ours, by its name on the wire, and every record that it uses is recorded."""
    asked = set(_METRIC.findall(rule["expr"]))
    assert asked <= names(), asked - names()
    assert set(_RECORD.findall(rule["expr"])) <= {record["record"] for record in RECORDS}


def _anchors(page):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule):
    """It has a severity, a summary, a description and a section of a runbook that exists; and a test of its own."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() >= {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in _anchors(ROOT / page)
    fires = [case for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == rule["alert"]]
    assert any(case.get("exp_alerts") for case in fires)
    assert not all(case.get("exp_alerts") for case in fires)


def test_no_runbook_is_left_over():
    """Every section of the page is about an alert that exists."""
    sections = _anchors(ROOT / "docs" / "runbooks.md") - {"runbooks"}
    assert sections == {rule["alert"].lower() for rule in ALERTS}


LABELS = {
    "stage": "the stages",
    "action": "the actions",
    "code": "our codes",
    "table": "the store's tables",
    "topic": "the topic table",
    "lane": "interactive and bulk",
    "state": "of requests or alerts",
    "policy": "the policies in force",
    "role": "current, shadow, share",
    "guard": "the guards",
    "label": "the guards' labels and the policies' recognisers",
    "status": "of replies, or of HTTP",
    "route": "the gateway's routes",
    "answered_by": "who may answer",
    "sentiment": "three, and none",
    "target": "the targets of alerts",
    "outcome": "of telling, or of a review",
    "group": "our consumer groups",
    "stratum": "the strata of the review sample",
    "kind": "of reviews",
    "signal": "the monitor's signals",
    "app": "the apps that have fired, which policies serve",
    "phase": "of a series",
    "reason": "why one is passed over",
    "fault": "how a guard failed",
    "model": "the models that a process of infer was given",
}
"""Every label that a metric of ours may have, and what bounds its values. No user, language or text is one, nor
a model that an event names.
"""


def test_labels_are_bounded():
    """Whoever adds a label has to say here what bounds it."""
    found = {name for metric in vars(Metrics()).values() for name in getattr(metric, "_labelnames", ())}
    assert found <= LABELS.keys(), found - LABELS.keys()


def test_strangers_make_no_series():
    """A thousand apps, users, models, conversations and texts have as many series as one."""

    def series(count):
        given = surroundings(policy(prompt={"toxicity": {"flag": 0.5}, "pii": {"redact": 0.5}}))
        stage = loaded("observe", given)
        stage.process([_from_a_stranger(n) for n in range(count)])
        stage.process([arriving(INTERACTIONS, f"{{{n}".encode(), (), n) for n in range(count)])
        return sum(1 for family in given.metrics.registry.collect() for _ in family.samples)

    assert series(1_000) == series(10)


def _from_a_stranger(n):
    """An interaction like no other: some judged, some of no app, some broken."""
    texts = ("bad", "I am Ann", "fine", "boom")
    app = f"app-{n}" if n % 2 else "shop"
    body = {"app": app, "user": f"u{n}", "model": f"m{n}", "prompt": f"{texts[n % 4]} {n}"}
    headers = [("ce_id", f"e{n}".encode()), ("ce_source", f"s{n}".encode())]
    return arriving(INTERACTIONS, body if n % 5 else {**body, "prompt": n}, headers, n, key=f"k{n}".encode())
