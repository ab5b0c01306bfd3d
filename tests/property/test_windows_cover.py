"""Windows and micro-batches lose nothing, whatever the text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.batches import MICRO_BATCH_TOKENS, plan_batches
from models.windows import window_starts


@given(st.integers(0, 5000), st.integers(2, 200), st.data())
def test_starts_cover_every_token(count, size, data):
    """Every token lies in a window, windows are in order, and none exceeds the text."""
    stride = data.draw(st.integers(1, size))
    starts = window_starts(count, size, stride)
    covered = np.zeros(count, bool)
    for start in starts:
        covered[start : start + size] = True
    assert covered.all()
    assert starts == sorted(set(starts))
    assert all(start + size <= count for start in starts) or count <= size


@given(st.lists(st.integers(2, 128), max_size=200), st.integers(64, 4096))
def test_every_window_runs_once(lengths, tokens):
    """A plan holds each window exactly once, padded with zeros behind a mask, within the bound."""
    windows = [np.full(length, row + 1, np.int32) for row, length in enumerate(lengths)]
    seen = []
    for batch in plan_batches(windows, tokens):
        assert batch.ids.size <= max(tokens, 128)
        assert batch.ids.shape[1] % 8 == 0
        for place, row in enumerate(batch.rows):
            assert batch.mask[place].sum() == lengths[row]
            assert set(batch.ids[place][batch.mask[place] == 1]) == {row + 1}
        seen += batch.rows
    assert sorted(seen) == list(range(len(lengths)))


@given(st.lists(st.integers(2, 128), min_size=1, max_size=50), st.integers(0, 49))
def test_padding_ignores_company(lengths, which):
    """A window is padded to the same length alone as in company."""
    row = which % len(lengths)
    windows = [np.ones(length, np.int32) for length in lengths]
    (alone,) = plan_batches([windows[row]], MICRO_BATCH_TOKENS)
    (together,) = [batch for batch in plan_batches(windows) if row in batch.rows]
    assert together.ids.shape[1] == alone.ids.shape[1]
