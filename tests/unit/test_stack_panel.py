"""What `weir up` and `weir status` print."""

from io import StringIO

import pytest
from rich.console import Console

from streams.cli.stack import tell
from streams.local.state import ProcessState, StackState


@pytest.fixture
def panel():
    def rendered(**changes):
        fields = {"pid": 1, "started": 1.0, "ready": True, "bootstrap": "127.0.0.1:65535", "namespace": "weir"}
        processes = (ProcessState("worker-1", 2, 0, "http://127.0.0.1:65535/metrics"),)
        addresses = {"clickhouse_url": "http://127.0.0.1:65535", "database": "weir", "processes": processes}
        console = Console(file=StringIO(), width=80)
        tell(console, StackState(**{**fields, **addresses, **changes}))
        return console.file.getvalue()

    return rendered


@pytest.mark.parametrize(
    "line",
    [
        "weir.requests → weir.replies",
        "weir.interactions → weir.verdicts",
        """echo '{"app":"default","messages":[{"role":"user","content":"Hi"}]}' | weir send -""",
        "weir tail replies",
        "curl 127.0.0.1:65535 -d 'SELECT action, count() FROM weir.v_verdicts GROUP BY 1'",
    ],
)
def test_a_command_to_try_stands_on_one_line_of_a_narrow_terminal(panel, line):
    """What is to be copied is not broken, and asks along the path that answers."""
    assert sum(line in each for each in panel().splitlines()) == 1


def test_a_stack_that_still_starts_is_not_called_ready(panel):
    """The title is about now."""
    assert "Weir is ready" in panel()
    assert "Weir is starting" in panel(ready=False)
