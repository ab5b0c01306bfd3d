"""What is released is the same from the same commit, and can be installed."""

import re
import subprocess

from tests.deploy.release import ROOT, TAKEN_OUT, bill_of_materials, release
from tests.deploy.tools import TOOLS
from tests.fixtures.chart import VERSION


def test_a_release_is_reproducible(tmp_path):
    """Twice built is bit for bit the same, and the chart in it is one."""
    for name in ("one", "two"):
        release(tmp_path / name)
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ("one", "two")]
    assert sums[0] == sums[1]
    assert len(sums[0].splitlines()) == 6
    (chart,) = (tmp_path / "one").glob("weir-chart-*.tgz")
    settings = ("--set", "kafka.bootstrap=k:9092,clickhouse.url=http://c:8123,dashboards.enabled=true")
    command = [TOOLS["helm"].path, "template", "weir", chart, *VERSION, *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nkind: ConfigMap\n") == 6  # its boards came along


def test_a_bill_names_every_package_of_its_image():
    """Each package of the lock file is there with its version and hashes, but for those that are taken out."""
    lock = (ROOT / "requirements/base.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", lock, re.MULTILINE))
    assert all(pinned.pop(name) for name in TAKEN_OUT)
    components = bill_of_materials("base", 0)["components"]
    assert {each["name"]: each["version"] for each in components} == pinned
    assert all(each["externalReferences"][0]["hashes"] for each in components)
