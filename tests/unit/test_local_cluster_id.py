import base64

from streams.local.kafka_properties import ClusterId


def test_the_id_is_no_option(tmp_path):
    """No id begins with a hyphen, which Kafka's tools would take for an option; each is 16 bytes and its own."""
    ids = set()
    for n in range(300):
        directory = tmp_path / str(n)
        directory.mkdir()
        ids.add(ClusterId(directory).get())
    assert len(ids) == 300
    assert not [found for found in ids if found.startswith("-")]
    assert {len(base64.urlsafe_b64decode(found + "==")) for found in ids} == {16}


def test_the_id_stays(tmp_path):
    """A directory keeps its id."""
    assert ClusterId(tmp_path).get() == ClusterId(tmp_path).get()
