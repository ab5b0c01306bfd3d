"""What may be committed, over random orders of delivery and acknowledgement."""

from hypothesis import given
from hypothesis import strategies as st

from streams.agents.offsets import PartitionLedger


@st.composite
def _histories(draw):
    """Ascending offsets with gaps, and an order in which some of them are acknowledged."""
    offsets = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=40)))
    acknowledged = draw(st.permutations(offsets))
    return offsets, acknowledged[: draw(st.integers(0, len(offsets)))]


def _expected(delivered, acknowledged):
    position = None
    for offset in sorted(delivered):
        if offset not in acknowledged:
            break
        position = offset + 1
    return position


@given(_histories())
def test_the_position_is_the_contiguous_prefix(history):
    """After each acknowledgement, in any order, the position ends the prefix of delivered offsets that are done."""
    offsets, acknowledged = history
    ledger = PartitionLedger()
    for offset in offsets:
        ledger.deliver(offset)
    for count, offset in enumerate(acknowledged, 1):
        assert ledger.acknowledge(offset)
        assert ledger.position() == _expected(offsets, set(acknowledged[:count]))


@given(_histories(), st.randoms(use_true_random=False))
def test_the_position_never_passes_an_open_offset(history, random):
    """With deliveries, acknowledgements and questions mixed, nothing delivered and undone is ever passed."""
    offsets, acknowledged = history
    ledger, done, delivered, waiting = PartitionLedger(), set(), [], list(acknowledged)
    for offset in offsets:
        ledger.deliver(offset)
        delivered.append(offset)
        for other in [o for o in waiting if o in delivered and random.random() < 0.5]:
            waiting.remove(other)
            ledger.acknowledge(other)
            done.add(other)
        position = ledger.position()
        assert position is None or all(o in done for o in delivered if o < position)


@given(_histories())
def test_the_position_never_goes_back(history):
    """Redelivery after a seek, of anything, moves the position neither back nor past what is open."""
    offsets, acknowledged = history
    ledger = PartitionLedger()
    for offset in offsets:
        ledger.deliver(offset)
    for offset in acknowledged:
        ledger.acknowledge(offset)
    before = ledger.position()
    for offset in offsets:
        ledger.deliver(offset)
    assert ledger.position() == before


@given(_histories())
def test_an_acknowledgement_counts_once(history):
    """A second acknowledgement, and one of an offset that was never delivered, say that they are no news."""
    offsets, acknowledged = history
    ledger = PartitionLedger()
    for offset in offsets:
        ledger.deliver(offset)
    for offset in acknowledged:
        ledger.acknowledge(offset)
    assert not any(ledger.acknowledge(offset) for offset in acknowledged)
    assert not ledger.acknowledge(61)
    assert ledger.position() == _expected(offsets, set(acknowledged))
