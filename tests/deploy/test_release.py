"""What is released is the same from the same commit, and can be installed."""

import subprocess

from tests.deploy.release import release
from tests.deploy.tools import TOOLS
from tests.fixtures.chart import VERSION


def test_a_release_is_reproducible(tmp_path):
    """Twice built is bit for bit the same, and the chart in it is one."""
    for name in ("one", "two"):
        release(tmp_path / name)
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ("one", "two")]
    assert sums[0] == sums[1]
    assert len(sums[0].splitlines()) == 4
    (chart,) = (tmp_path / "one").glob("weir-chart-*.tgz")
    settings = ("--set", "kafka.bootstrap=k:9092,clickhouse.url=http://c:8123,dashboards.enabled=true")
    command = [TOOLS["helm"].path, "template", "weir", chart, *VERSION, *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nkind: ConfigMap\n") == 6  # its boards came along
