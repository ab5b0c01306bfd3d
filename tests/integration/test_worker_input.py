"""What foreign producers send reaches a stage byte for byte: one worker, everything at once."""

from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

from schemas.topics import VERDICTS
from tests.fixtures.echo_flow import BIG, Flow

pytestmark = pytest.mark.kafka

HUGE = b"\x00\xff" * 5_000_000
CODECS = {"confluent": ("gzip", "snappy", "lz4", "zstd"), "python": ("gzip", "lz4", "zstd")}


def _send_plain(flow):
    producer = Producer({"bootstrap.servers": flow.bootstrap, "log_level": 0, **BIG})
    for name, value, headers in (
        ("tombstone", None, None),
        ("empty", b"", None),
        ("huge", HUGE, None),
        ("huge-header", b"v", [("h", b"\xfe" * 1_000_000)]),
        ("duplicates", b"v", [("h", b"2"), ("other", b""), ("h", b"1"), ("h", b"2"), ("h", None)]),
        ("not-text", b"\xff\xfe", [("ce_id", b"\xff\xfe\x00"), ("héader", "é".encode())]),
    ):
        producer.produce(flow.source, key=name, value=value, headers=headers)
    producer.produce(flow.source, key=b"\xff\xfe", value=b"key")
    producer.produce(flow.source, value=b"no key")
    producer.produce(flow.source, key="client-clock", value=b"v", timestamp=1)
    assert producer.flush(60) == 0


def _send_compressed(flow):
    for codec in CODECS["confluent"]:
        ours = Producer({"bootstrap.servers": flow.bootstrap, "compression.type": codec, "log_level": 0})
        ours.produce(flow.source, key=f"confluent-{codec}", value=codec.encode() * 1000)
        assert ours.flush(60) == 0
    for codec in CODECS["python"]:
        foreign = KafkaProducer(bootstrap_servers=flow.bootstrap, compression_type=codec)
        foreign.send(flow.source, key=f"python-{codec}".encode(), value=codec.encode() * 1000, headers=[("h", b"1")])
        foreign.flush()
        foreign.close()


class _RawName(str):
    """A header name that is not UTF-8, as a producer in C can write it."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe"


def _send_raw_header_name(flow):
    foreign = KafkaProducer(bootstrap_servers=flow.bootstrap)
    foreign.send(flow.source, key=b"raw-name", value=b"raw name", headers=[(_RawName("h"), b"1")])
    foreign.close()


def _send_transactions(flow):
    producer = Producer(
        {"bootstrap.servers": flow.bootstrap, "transactional.id": flow.namespace.prefix, "log_level": 0}
    )
    producer.init_transactions(60)
    for name, end in (("aborted", producer.abort_transaction), ("committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(flow.source, key=name, value=name.encode())
        producer.flush(60)
        end()


@pytest.fixture(scope="module")
def echoes(bootstrap, tmp_path_factory):
    """What the stage repeated, by key."""
    flow = Flow(bootstrap, tmp_path_factory.mktemp("input"))
    try:
        worker = flow.worker()
        _send_plain(flow)
        _send_compressed(flow)
        _send_raw_header_name(flow)
        _send_transactions(flow)
        # Two values come twice or more ("v", the codecs), so different ones are counted.
        messages = flow.read(VERDICTS, count=12)
        worker.end()
        yield {message.key(): message for message in messages}
    finally:
        flow.close()


def _position(message):
    name, position = message.headers()[-1]
    assert name == "position"
    _partition, _offset, null, timestamp = position.decode().split(":", 3)
    return null == "True", datetime.fromisoformat(timestamp)


@pytest.mark.parametrize(("client", "codec"), [(client, codec) for client in CODECS for codec in CODECS[client]])
def test_compressed_batches_are_read(echoes, client, codec):
    """Every codec that a Kafka client may choose is understood."""
    assert echoes[f"{client}-{codec}".encode()].value() == codec.encode() * 1000


def test_ten_megabytes_pass(echoes):
    """A value of 10 MB arrives whole."""
    assert echoes[b"huge"].value() == HUGE


@pytest.mark.parametrize(("key", "null"), [(b"tombstone", True), (b"empty", False)])
def test_no_value_and_an_empty_value_differ(echoes, key, null):
    """A tombstone reaches the stage as None, an empty value as no bytes."""
    assert _position(echoes[key])[0] is null


def test_headers_keep_their_order_and_their_duplicates(echoes):
    """Headers arrive as a list: a name may come twice, and a value may be absent."""
    headers = echoes[b"duplicates"].headers()[:-1]
    assert headers == [("h", b"2"), ("other", b""), ("h", b"1"), ("h", b"2"), ("h", None)]


def test_huge_headers_pass(echoes):
    """A header of 1 MB is data like any other."""
    assert echoes[b"huge-header"].headers()[0] == ("h", b"\xfe" * 1_000_000)


def test_headers_that_are_not_text_pass(echoes):
    """Header values are bytes; names may hold any letter."""
    assert echoes[b"not-text"].headers()[:-1] == [("ce_id", b"\xff\xfe\x00"), ("héader", "é".encode())]


def test_header_names_that_are_not_text_pass(echoes):
    """A header name that is not UTF-8 stops nobody: its bytes are escaped."""
    assert echoes[b"raw-name"].headers()[0] == ("\\xff\\xfe", b"1")


def test_keys_are_bytes(echoes):
    """A key that is not text, and no key at all, come through."""
    assert echoes[b"\xff\xfe"].value() == b"key"
    assert echoes[None].value() == b"no key"


def test_aborted_messages_are_not_seen(echoes):
    """Of two transactions only the committed one is read."""
    assert b"committed" in echoes
    assert b"aborted" not in echoes


def test_the_broker_tells_the_time(echoes):
    """A client that claims 1970 does not change when its event arrived."""
    assert abs(datetime.now(UTC) - _position(echoes[b"client-clock"])[1]) < timedelta(minutes=5)
