"""The chart meets helm's linter, strict schemas of every kind, and helm-unittest."""

import pytest
import yaml

from tests.deploy.kubernetes_schemas import schema_directory
from tests.deploy.tools import run
from tests.fixtures.chart import CHART, VALUE_SETS, VERSION, render_set, template, values


@pytest.mark.parametrize("name", VALUE_SETS)
def test_helm_finds_nothing_to_complain_about(name):
    """`helm lint --strict` passes on every set of values."""
    done = run("helm", "lint", "--strict", *VERSION, CHART, "--values", values(name))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", VALUE_SETS)
def test_every_object_has_only_fields_that_exist(name):
    """kubeconform knows every kind and every field."""
    where = f"{schema_directory()}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    rendered = template("--values", str(values(name))).stdout
    done = run("kubeconform", "-strict", "-summary", "-schema-location", where, "-", stdin=rendered)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped: 0" in done.stdout


def test_a_misspelt_field_would_be_found():
    """The schemas refuse a field that does not exist, in Kubernetes' own kinds and in KEDA's."""
    where = f"{schema_directory()}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    for kind, before, after in (
        ("Deployment", "terminationGracePeriodSeconds", "terminationGraceSeconds"),
        ("ScaledObject", "maxReplicaCount", "maxReplicas"),
    ):
        objects = [each for each in render_set("production") if each["kind"] == kind]
        text = yaml.safe_dump_all(objects).replace(before, after)
        assert run("kubeconform", "-strict", "-schema-location", where, "-", stdin=text).returncode == 1


def test_the_charts_own_suite_passes():
    """helm-unittest runs deploy/chart/tests."""
    done = run("helm-unittest", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr
