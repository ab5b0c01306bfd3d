"""What is released can be installed."""

import subprocess

from tests.deploy.release import release
from tests.deploy.tools import TOOLS
from tests.fixtures.chart import VERSION


def test_the_chart_that_is_released_is_one(tmp_path):
    """Helm renders it, with the boards that are links in the repository."""
    release(tmp_path / "dist")
    (chart,) = (tmp_path / "dist").glob("weir-chart-*.tgz")
    settings = ("--set", "kafka.bootstrap=k:9092,clickhouse.url=http://c:8123,dashboards.enabled=true")
    command = [TOOLS["helm"].path, "template", "weir", chart, *VERSION, *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nkind: ConfigMap\n") == 6  # its boards came along
