"""What is released can be installed, and is the same from the same commit."""

import re
import subprocess

import pytest

from tests.deploy.release import ROOT, TAKEN_OUT, bill_of_materials, release
from tests.deploy.tools import TOOLS
from tests.fixtures.chart import VERSION


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A folder with everything that a release has."""
    folder = tmp_path_factory.mktemp("released") / "dist"
    release(folder)
    return folder


def test_the_chart_that_is_released_is_one(released):
    """Helm renders it, with the boards that are links in the repository."""
    (chart,) = released.glob("weir-chart-*.tgz")
    settings = ("--set", "kafka.bootstrap=k:9092,clickhouse.url=http://c:8123,dashboards.enabled=true")
    command = [TOOLS["helm"].path, "template", "weir", chart, *VERSION, *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nkind: ConfigMap\n") == 6  # its boards came along


def test_a_release_is_reproducible(released, tmp_path):
    """Twice built is bit for bit the same: wheel, sources, chart, images' contexts and their bills."""
    release(tmp_path / "again")
    sums = [(folder / "SHA256SUMS").read_text() for folder in (released, tmp_path / "again")]
    assert sums[0] == sums[1]
    assert len(sums[0].splitlines()) == 6


def test_a_bill_names_every_package_of_its_image():
    """Each package of the lock file is there with its version and hashes, but for those that are taken out."""
    lock = (ROOT / "requirements/base.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", lock, re.MULTILINE))
    assert all(pinned.pop(name) for name in TAKEN_OUT)
    components = bill_of_materials("base", 0)["components"]
    assert {each["name"]: each["version"] for each in components} == pinned
    assert all(each["externalReferences"][0]["hashes"] for each in components)
