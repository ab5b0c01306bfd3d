"""What headers say of a verdict, so that its body need not be read."""

import pytest

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.errors import ConfigError
from schemas.traffic import APP_HEADER, Traffic, milliseconds, read_traffic
from streams.monitor.process import run_monitor
from streams.monitor.readings import Passing, Reader
from streams.settings import Settings
from tests.fixtures.monitored import APP, judged, moment


def headers(verdict):
    own = Envelope(id=str(verdict.verdict_id), source="weir", type=event_type("verdict"), time=verdict.judged_at)
    return encode(verdict, own, verdict.conversation_id).headers


def test_headers_say_whose_traffic_it_is_and_of_when():
    """The app, and both times; trials are of the app and no traffic."""
    came, made = moment(5), moment(4)
    verdict = judged(1, came, event_time=made)
    found = read_traffic(headers(verdict))
    assert found == Traffic(APP, milliseconds(came), milliseconds(made))
    trial = read_traffic(headers(judged(1, came, run="shadow:shop@2")))
    assert trial == Traffic(APP)
    for clock, time in (("arrival", came), ("event", made)):
        reader = Reader(lambda _: None, clock)
        assert reader.passing(found) == reader.read(verdict) == Passing(milliseconds(time))
        assert reader.passing(trial) is None


@pytest.mark.parametrize(
    "said",
    [
        (),
        [("weir_arrived", b"1"), ("weir_made", b"1")],
        [(APP_HEADER, None)],
        [(APP_HEADER, b"shop"), ("weir_arrived", b"1")],
        [(APP_HEADER, b"shop"), ("weir_arrived", b"soon"), ("weir_made", b"1")],
        [(APP_HEADER, b"\xff")],
    ],
    ids=["none", "no app", "empty app", "one time", "no number", "not UTF-8"],
)
def test_headers_that_say_nothing_leave_it_to_the_body(said):
    """What an earlier version wrote, or what cannot be read, is no answer."""
    assert read_traffic(said) is None


def test_a_shard_that_does_not_exist_is_refused():
    """Shards are numbered from 0 on."""
    with pytest.raises(ConfigError, match="from 0 to 1"):
        run_monitor(Settings(_env_file=None, monitor_shard=2, monitor_shards=2))
