"""The bounded memory of computed features."""

from models.recollection import Recollection, text_digest


def test_the_least_recent_goes_first():
    """Past its capacity the memory drops what was not used for longest."""
    memory = Recollection(8)
    for key in (b"a", b"b", b"c", b"d"):
        memory.put(key, key, weight=2)
    assert memory.get(b"a") == b"a"
    memory.put(b"e", b"e", weight=2)
    assert memory.get(b"b") is None
    assert memory.get(b"a") == b"a"
    assert memory.weight == 8


def test_one_heavy_value_does_not_empty_it():
    """A value heavier than a quarter of the capacity is not kept."""
    memory = Recollection(8)
    memory.put(b"a", b"a", weight=1)
    memory.put(b"long", b"long", weight=3)
    assert memory.get(b"long") is None
    assert memory.get(b"a") == b"a"


def test_no_capacity_keeps_nothing():
    """Capacity 0 turns the memory off."""
    memory = Recollection(0)
    memory.put(b"a", b"a", weight=1)
    assert memory.get(b"a") is None


def test_digests_tell_any_two_strings_apart():
    """Lone surrogates have digests of their own."""
    assert len({text_digest(text) for text in ("", "\0", "\ud800", "\udfff", "\ufffd")}) == 5
