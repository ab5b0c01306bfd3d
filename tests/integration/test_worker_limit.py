"""A worker that would make dead letters of too much of its topic stops, and says so."""

import time

import pytest

from schemas.topics import INTERACTIONS, dead_letters
from tests.fixtures.echo_flow import Flow
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka


@pytest.fixture
def flow(bootstrap, tmp_path):
    flow = Flow(bootstrap, tmp_path)
    yield flow
    flow.close()


def test_a_topic_is_not_drained_into_dead_letters(flow):
    """A few messages die, the rest stays unread; the worker lives on, and metrics and log say why it stands."""
    flow.produce(1_000_000, 1_000_300)
    worker = flow.worker("--poison", "1000", dead_letter_least="20", dead_letter_share="0.2", batch_size="5")
    worker.wait_ready()
    eventually(lambda: b'weir_dead_letter_stop{stage="echo"} 1.0' in worker.get("/metrics").read())
    time.sleep(1)
    assert worker.get("/health").status == 200
    assert "DEAD_LETTER_LIMIT" in worker.log
    assert len(flow.read(dead_letters(INTERACTIONS), 0)) <= 20
    assert flow.committed() <= 20
