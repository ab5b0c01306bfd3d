"""The Helm chart says only what the rest of the repository bears out. Without helm, what needs it is skipped."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from schemas.policy_file import parse_policy
from schemas.topics import TOPICS, Namespace
from streams.agents import worker
from streams.cli import app
from streams.infer import loop as infer
from streams.kafka import transactions
from streams.kafka.consumer_groups import infer_group, reading_groups, store_group, worker_group
from streams.settings import PREFIX, Settings
from streams.stack.stack import plan_stack
from tests.fixtures.chart import CHART, VALUE_SETS, render, render_set, template

ROOT = Path(__file__).parents[2]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
PROCESSES = VALUES["processes"]
SCALED = [name for name, process in PROCESSES.items() if "autoscaling" in process]
KNOWN = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
SECRET = {
    f"{PREFIX}{name}".upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
}


@pytest.fixture(scope="module", params=VALUE_SETS)
def objects(request):
    """Everything that one set of values makes."""
    return render_set(request.param)


def pods(objects):
    """The pods of a rendering, by the name of what makes them."""
    specs = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] in {"Deployment", "Job"}}
    tasks = {name: each["spec"]["jobTemplate"]["spec"] for name, each in of_kind(objects, "CronJob").items()}
    return {name: each["template"]["spec"] for name, each in {**specs, **tasks}.items()}


def of_kind(objects, kind):
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_every_process_of_the_local_stack_runs(tmp_path):
    """Whatever the local stack runs has a deployment, and nothing else has."""
    settings = Settings(_env_file=None, home=tmp_path, kafka_bootstrap="b:1", clickhouse_url="http://c:1")
    assert set(PROCESSES) == {spec.command[-1] for spec in plan_stack(settings).specs}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_one_of_the_command_line(name):
    """A deployment's name is its command."""
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_one_version_stands_everywhere():
    """The chart, what it runs and the package are of one version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {chart["version"], chart["appVersion"]} == {project["version"]}


@pytest.mark.parametrize("name", SCALED)
def test_a_process_scales_by_what_it_reads(name):
    """The topics whose lag counts are read by the process's group, and it has no more pods than partitions."""
    settings = Settings(_env_file=None)
    groups = {"worker": worker_group(settings), "infer": infer_group(settings), "store": store_group(settings)}
    read = {topic.name: topic for topic in reading_groups(settings)[groups[name]]}
    scaling = PROCESSES[name]["autoscaling"]
    assert set(scaling["reads"]) <= set(read)
    assert scaling["least"] <= scaling["most"] <= sum(read[topic].partitions for topic in scaling["reads"])
    assert groups[name] == f"{settings.namespace}.{name}"


def test_there_is_time_to_end():
    """A pod has more time to end than a process takes at most."""
    longest = max(worker.STOP_SECONDS, infer.STOP_SECONDS, 3 * transactions._SECONDS)
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert VALUES["graceSeconds"] >= schema["properties"]["graceSeconds"]["minimum"] > longest


def test_every_value_is_in_the_schema():
    """A value without an entry in the schema could not be set."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(VALUES) == set(schema["properties"]) - {"global"}


def test_every_variable_is_a_setting_and_every_secret_comes_from_a_secret(objects):
    """A variable that Weir does not know would stop its start; no secret stands in a pod's description."""
    for pod in pods(objects).values():
        variables = {each["name"]: each for each in pod["containers"][0]["env"]}
        assert set(variables) <= KNOWN
        assert len(variables) == len(pod["containers"][0]["env"])
        for name, variable in variables.items():
            assert ("valueFrom" in variable) == (name in SECRET)


def test_pods_may_do_little(objects):
    """What Kubernetes calls restricted, a root that nothing writes to, and no way to its API."""
    for pod in pods(objects).values():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
        }  # fmt: skip
        assert pod["automountServiceAccountToken"] is False
        assert container["resources"]["limits"]["memory"]
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_services_do_not_leak_into_settings(objects):
    """A service named weir-gateway would set WEIR_GATEWAY_PORT to an address, and no process would start."""
    assert all(pod["enableServiceLinks"] is False for pod in pods(objects).values())


def test_processes_are_watched_spread_and_disturbed_one_at_a_time(objects):
    """Every deployment has three probes, zones to spread over and a disruption budget that selects its pods."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for name, deployment in of_kind(objects, "Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
        assert paths == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}
        assert len(spec["topologySpreadConstraints"]) == 2
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        for selector in (deployment["spec"]["selector"], budgets[name]["spec"]["selector"]):
            assert selector["matchLabels"].items() <= labels.items()
            assert "app.kubernetes.io/version" not in selector["matchLabels"]


def test_images_are_pinned(objects):
    """An image has a version, and a digest where one was given."""
    for pod in pods(objects).values():
        assert pod["containers"][0]["image"].split("@")[0].endswith(f":{VALUES['image']['weir']['tag'] or '0.1.0'}")


def test_jobs_come_before_the_processes(objects):
    """Topics and tables are made before an installation, an upgrade and a roll-back, in that order."""
    jobs = of_kind(objects, "Job")
    assert list(jobs) == ["weir-topics", "weir-migrate"]
    hooks = [job["metadata"]["annotations"] for job in jobs.values()]
    assert all("pre-install" in each["helm.sh/hook"] for each in hooks)
    assert [each["helm.sh/hook-weight"] for each in hooks] == ["0", "1"]
    for job in jobs.values():
        arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
        assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_vectors_are_made_by_the_clock(objects):
    """One at a time, with the store's password; the command is one, and no clock is none."""
    (task,) = of_kind(objects, "CronJob").values()
    assert (task["metadata"]["name"], task["spec"]["concurrencyPolicy"]) == ("weir-errors", "Forbid")
    (container,) = pods(objects)["weir-errors"]["containers"]
    assert "WEIR_CLICKHOUSE_PASSWORD" in {each["name"] for each in container["env"]}
    assert CliRunner().invoke(app, [*container["args"], "--help"]).exit_code == 0
    off = render("--values", str(CHART / "ci" / "plain.yaml"), "--set", "schedule.errors.at=")
    assert not of_kind(off, "CronJob")


def test_a_scaled_process_leaves_its_number_to_the_scaler():
    """KEDA's and Kubernetes' scalers name a deployment that sets no number, a group and a topic that exist."""
    for name, kind in (("production", "ScaledObject"), ("gpu", "HorizontalPodAutoscaler")):
        objects = render_set(name)
        deployments, scalers = of_kind(objects, "Deployment"), of_kind(objects, kind)
        assert set(scalers) == {f"weir-{process}" for process in SCALED}
        for each, scaler in scalers.items():
            assert scaler["spec"]["scaleTargetRef"]["name"] == each
            assert "replicas" not in deployments[each]["spec"]
        assert all("replicas" in deployments[each]["spec"] for each in deployments.keys() - scalers.keys())
        text = json.dumps(list(scalers.values()))
        assert {f"weir.{topic}" for process in SCALED for topic in PROCESSES[process]["autoscaling"]["reads"]} <= set(
            text.replace('"', " ").split()
        )
    assert {Namespace().of(topic) for topic in TOPICS} >= {
        f"weir.{topic}" for process in SCALED for topic in PROCESSES[process]["autoscaling"]["reads"]
    }


def test_apps_are_shared_among_deployments():
    """A shard of the monitor is a deployment of its own, which is told which one it is."""
    objects = render("--values", str(CHART / "ci" / "plain.yaml"), "--set", "processes.monitor.shards=2")
    made = {name for name in of_kind(objects, "Deployment") if "monitor" in name}
    assert (
        made == {"weir-monitor", "weir-monitor-1"} == {n for n in of_kind(objects, "PodDisruptionBudget") if n in made}
    )
    for shard, name in enumerate(sorted(made)):
        variables = {each["name"]: each.get("value") for each in pods(objects)[name]["containers"][0]["env"]}
        assert (variables["WEIR_MONITOR_SHARD"], variables["WEIR_MONITOR_SHARDS"]) == (str(shard), "2")


def test_users_certificates_and_policies_reach_the_processes():
    """With SASL a password comes along, a process's own user and secret before the common ones; files are mounted."""
    objects = render_set("production")
    found = pods(objects)
    for name, user, secret in (("weir-worker", "weir-worker", "weir-worker"), ("weir-settle", "weir", "weir-secrets")):
        variables = {each["name"]: each for each in found[name]["containers"][0]["env"]}
        assert variables["WEIR_KAFKA_USERNAME"]["value"] == user
        assert variables["WEIR_KAFKA_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"] == secret
        assert variables["WEIR_KAFKA_CA_FILE"]["value"] == "/etc/weir/kafka/ca.crt"
        assert variables["WEIR_POLICIES"]["value"] == "/etc/weir/policies"
    policies = of_kind(objects, "ConfigMap")["weir-policies"]
    for text in policies["data"].values():
        assert parse_policy(text, "watch.yaml").id == "watch"


def test_the_operator_gets_the_same_rules():
    """Every recording and alerting rule is in the PrometheusRule, with its runbook where that is read."""
    (rule,) = of_kind(render_set("production"), "PrometheusRule").values()
    expected = []
    for path in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml")):
        text = path.read_text(encoding="utf-8").replace("docs/runbooks.md#", "https://docs.example.com/runbooks.html#")
        expected += yaml.safe_load(text)["groups"]
    assert rule["spec"]["groups"] == expected
    assert rule["metadata"]["labels"]["release"] == "prometheus"


def test_scraped_processes_are_the_job_that_the_rules_know():
    """The operator would call the job by the service's name; alerts ask for job="weir"."""
    (monitor,) = of_kind(render_set("production"), "ServiceMonitor").values()
    rules = (ROOT / "deploy/prometheus/rules/alerts.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'job="(\w+)"', rules)) == {"weir"}
    assert {"targetLabel": "job", "replacement": "weir"} in monitor["spec"]["endpoints"][0]["relabelings"]


def test_the_sidecar_gets_the_same_boards():
    """Every dashboard is a config map of its own, labelled for the sidecar, small enough for Kubernetes."""
    boards = {
        name: each for name, each in of_kind(render_set("production"), "ConfigMap").items() if "-dashboard-" in name
    }
    paths = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
    assert set(boards) == {f"weir-dashboard-{path.stem}" for path in paths}
    for path in paths:
        board = boards[f"weir-dashboard-{path.stem}"]
        assert board["data"] == {f"weir-{path.name}": path.read_text(encoding="utf-8")}
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert board["metadata"]["annotations"] == {"grafana_folder": "Weir"}
        assert len(json.dumps(board)) < 1024**2


def test_rules_and_boards_are_off_unless_asked_for():
    """A cluster without the operator or a sidecar gets neither."""
    objects = render_set("plain")
    assert not of_kind(objects, "PrometheusRule")
    assert not of_kind(objects, "ConfigMap")


def test_a_gpu_is_asked_for_where_it_is_wanted():
    """Only infer takes one, and computes on it."""
    for name, pod in pods(render_set("gpu")).items():
        (container,) = pod["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        wanted = name == "weir-infer"
        assert ("nvidia.com/gpu" in container["resources"]["limits"]) == wanted
        assert (variables.get("WEIR_DEVICE") == "cuda") == wanted
        assert (variables.get("WEIR_MODEL") == "/models/qwen3-8b") == wanted
        assert any(each["name"] == "models" for each in pod["volumes"]) == wanted


def test_what_is_turned_off_is_gone():
    """A process that is not enabled leaves nothing behind."""
    assert "weir-gateway" not in {each["metadata"]["name"] for each in render_set("gpu")}


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("kafka.bootstrap=kafka", "kafka"),
        ("kafka.bootstap=kafka:9092", "bootstap"),
        ("clickhouse.database=default", "database"),
        ("processes.worker.replica=3", "replica"),
        ("graceSeconds=10", "graceSeconds"),
        ("schedule.errors.at=hourly", "at"),
        ("image.weir.tag=latest", "tag"),
        ("kafka.securityProtocol=SASL_SSL", "saslMechanism"),
        ("settings.NAMESPACE=x", "NAMESPACE"),
        ("prometheusRule.runbooks=docs", "runbooks"),
        ("dashboards.label=x", "label"),
    ],
)
def test_a_wrong_value_is_refused_by_name(setting, named):
    """A value that is misspelt or cannot work stops the rendering, and its name is in the message."""
    done = template("--values", str(CHART / "ci" / "plain.yaml"), "--set", setting)
    assert done.returncode != 0
    assert named in done.stderr
