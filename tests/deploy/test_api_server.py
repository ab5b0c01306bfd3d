"""A real API server takes the chart's objects: it is installed, upgraded, rolled back and removed."""

import json

import pytest

from tests.deploy.cluster import api_server
from tests.deploy.kubernetes_schemas import custom_resource_files
from tests.deploy.tools import run
from tests.fixtures.chart import CHART, VALUE_SETS, render_set, values

NAMESPACE = "llm"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """An API server that knows KEDA's and the operator's kinds and holds pods to the restricted standard."""
    directory = tmp_path_factory.mktemp("cluster")
    with api_server(directory) as environment:
        needed = ("scaledobjects", "triggerauthentications", "servicemonitors", "prometheusrules")
        for path in custom_resource_files():
            if any(name in path.name for name in needed):
                done = run("kubectl", "apply", "--server-side", "-f", path, environment=environment)
                assert done.returncode == 0, done.stderr
        labels = json.dumps(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}
        )
        assert run("kubectl", "apply", "-f", "-", stdin=labels, environment=environment).returncode == 0
        waiting = ("wait", "--for=condition=established", "--timeout=60s", "crd", "--all")
        done = run("kubectl", *waiting, environment=environment)
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout for name in needed)
        yield environment


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_chart_installs_upgrades_and_rolls_back(cluster, name):
    """A real API server takes every object, without a warning about pods that may do too much."""
    release = f"weir-{name}"
    common = ("--namespace", NAMESPACE, "--no-hooks", "--values", values(name))
    done = run("helm", "install", release, CHART, *common, environment=cluster)
    assert done.returncode == 0, done.stderr
    assert "would violate PodSecurity" not in done.stderr
    done = run("helm", "upgrade", release, CHART, *common, "--set", "image.weir.tag=0.2.0", environment=cluster)
    assert done.returncode == 0, done.stderr
    found = run("kubectl", "-n", NAMESPACE, "get", "deployment", f"{release}-worker", "-o", "json", environment=cluster)
    (container,) = json.loads(found.stdout)["spec"]["template"]["spec"]["containers"]
    assert ":0.2.0" in container["image"]
    done = run("helm", "rollback", release, "1", "--namespace", NAMESPACE, "--no-hooks", environment=cluster)
    assert done.returncode == 0, done.stderr
    done = run("helm", "uninstall", release, "--namespace", NAMESPACE, "--no-hooks", environment=cluster)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", VALUE_SETS)
def test_jobs_and_pods_are_let_in(cluster, name):
    """Under the restricted standard the server accepts the jobs and every pod that a deployment would make."""
    for each in render_set(name):
        if each["kind"] not in {"Job", "Deployment"}:
            continue
        spec = {"restartPolicy": "Always", **each["spec"]["template"]["spec"]}
        spec.pop("priorityClassName", None)  # made by the cluster's owner
        spec.pop("runtimeClassName", None)
        pod = {
            "apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": {"name": each["metadata"]["name"], "namespace": NAMESPACE},
        }  # fmt: skip
        done = run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), environment=cluster)
        assert done.returncode == 0, done.stderr
        if each["kind"] == "Job":
            each["metadata"]["namespace"] = NAMESPACE
            done = run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(each), environment=cluster)
            assert done.returncode == 0, done.stderr


def test_a_pod_that_may_do_too_much_would_be_refused(cluster):
    """The standard is in force: the same pod as root is not let in."""
    deployment = next(each for each in render_set("plain") if each["kind"] == "Deployment")
    spec = {"restartPolicy": "Always", **deployment["spec"]["template"]["spec"], "securityContext": {"runAsUser": 0}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root", "namespace": NAMESPACE}, "spec": spec}
    done = run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), environment=cluster)
    assert done.returncode != 0
    assert "restricted" in done.stderr
