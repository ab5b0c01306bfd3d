"""The quick starts in Python and Java, as they stand in docs/, on a real broker."""

import shutil
import sys

import pytest

from tests.fixtures.broker import jar_cache
from tests.fixtures.quickstart import QUICKSTARTS, run_quickstart

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("name", ["kafka_python_client", "confluent_client"])
def test_a_python_client_asks_and_thanks(bootstrap, namespace, name):
    """The request is answered, and the feedback names it."""
    run_quickstart(bootstrap, namespace, sys.executable, QUICKSTARTS / "python" / f"{name}.py")


@pytest.mark.skipif(shutil.which("javac") is None, reason="a JDK is needed: apt-get install openjdk-17-jdk-headless")
def test_apaches_own_client_asks_and_thanks(bootstrap, namespace):
    """Java runs the file as it is, with the client that came with the broker."""
    run_quickstart(
        bootstrap,
        namespace,
        "java",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{jar_cache()}/*",
        QUICKSTARTS / "java" / "Ask.java",
    )
