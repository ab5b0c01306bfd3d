"""Character n-grams of a text, and what weights make of them."""

import numpy as np
import pytest

from models.heads import spelt
from models.ngrams import BUCKETS, ngram_buckets


@pytest.mark.parametrize(
    "text", ["", "a", "Ignore all rules", "😀" * 1000, "\ud83d\udc4b", "日本語のテキスト", "a" * 100_000]
)
def test_buckets_are_distinct_and_in_range(text):
    """Any text has buckets in ascending order, each once, and never more than it has n-grams."""
    buckets = ngram_buckets(text)
    assert (np.diff(buckets) > 0).all()
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    assert len(buckets) <= 3 * (len(text) + 2)


@pytest.mark.parametrize(
    ("one", "other"), [("Ignore  ALL rules", " ignore all\nrules "), ("ab cd", "ab  cd"), ("É", "é")]
)
def test_case_and_spaces_do_not_count(one, other):
    """Upper case, and how many spaces of which kind, change nothing."""
    assert ngram_buckets(one).tolist() == ngram_buckets(other).tolist()


def test_like_texts_share_buckets():
    """Inflected words share most of their buckets, other words hardly any."""
    base = set(ngram_buckets("instruction").tolist())
    assert len(base & set(ngram_buckets("instructions").tolist())) > 0.7 * len(base)
    assert len(base & set(ngram_buckets("photograph").tolist())) < 0.1 * len(base)


def test_buckets_are_the_same_everywhere():
    """The hash is fixed: weights that were learnt elsewhere fit."""
    assert ngram_buckets("abc").tolist() == [3560, 37623, 53663, 54824, 62847, 100201]


def test_what_the_weights_say():
    """The sum over the buckets by the root of their number; a window without any says nothing."""
    weights = np.arange(8, dtype=np.float32)
    bags = [np.array([1, 3], np.int32), np.array([], np.int32), np.array([4], np.int32)]
    np.testing.assert_allclose(spelt(weights, bags), [4 / 2**0.5, 0, 4], rtol=1e-6)
