from math import sqrt

from hypothesis import given
from hypothesis import strategies as st

from monitors.sampling import Sampler

REVIEW = Sampler(b"secret", "review")


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_rates_nest(unit, one, other):
    """What a smaller probability keeps, a larger one keeps too."""
    small, large = sorted([one, other])
    assert REVIEW.keeps(unit, small) <= REVIEW.keeps(unit, large)


def test_never_and_always():
    """Probability 0 keeps nothing, probability 1 everything."""
    assert not any(REVIEW.keeps(str(n), 0.0) for n in range(1000))
    assert all(REVIEW.keeps(str(n), 1.0) for n in range(1000))


def test_the_share_is_the_probability():
    """Of 40,000 units a tenth is kept, within four standard errors."""
    kept = sum(REVIEW.keeps(f"event-{n}", 0.1) for n in range(40_000))
    assert abs(kept - 4000) < 4 * sqrt(40_000 * 0.1 * 0.9)


def test_purposes_and_secrets_are_independent():
    """Another purpose or another secret draws another sample: the overlap is that of chance."""
    units = [f"event-{n}" for n in range(40_000)]
    for other in (Sampler(b"secret", "ab"), Sampler(b"other", "review")):
        both = sum(REVIEW.keeps(unit, 0.1) and other.keeps(unit, 0.1) for unit in units)
        assert abs(both - 400) < 4 * sqrt(400)


def test_the_decision_is_stable():
    """The decision is the same in every process and every version."""
    kept = [n for n in range(12) if REVIEW.keeps(f"event-{n}", 0.3)]
    assert kept == [2, 4, 5, 6, 11]
