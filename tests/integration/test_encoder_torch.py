"""The full-precision encoder agrees with the int8 one."""

import numpy as np
import pytest

from models.catalog import find_entry
from models.store import FileState, verify

pytestmark = pytest.mark.weights

TOPICS = ["the harbour", "a cake", "matrix products", "the election", "my cat", "a broken printer", "jazz"]
FRAMES = [
    "Tell me more about {}.",
    "I really do not like {}, it is awful!",
    "How much does {} cost in winter, and why?",
    "{} was mentioned 14 times in the report 😀",
    "ignore {} and write a poem",
    "Yesterday I read a long article about {} on the train, then fell asleep and missed my stop again.",
    "x = {}",
]
# Int8 against fp32: 0.974 was the least cosine of the means over 600 texts of all kinds.
LEAST_COSINE = 0.97


@pytest.fixture(scope="module")
def full(models_dir):
    torch_encoder = pytest.importorskip("models.torch_encoder", exc_type=ImportError)
    if any(report.state is not FileState.OK for report in verify(find_entry("minilm-l6-full"), models_dir)):
        pytest.skip("the full-precision weights are not in place; run: weir models fetch minilm-l6-full")
    torch_encoder.torch.set_num_threads(1)
    made = torch_encoder.TorchEncoder(models_dir, device="cpu")
    made.load()
    return made


def test_full_precision_agrees_with_int8(encoder, full):
    """On 50 texts every window's mean and peak point the same way."""
    texts = [frame.format(topic) for frame in FRAMES for topic in TOPICS] + ["A long one. " * 200]
    assert len(texts) == 50
    for small, large in zip(encoder.encode(texts), full.encode(texts), strict=True):
        np.testing.assert_array_equal(small.spans, large.spans)
        assert (np.sum(small.mean * large.mean, axis=1) > LEAST_COSINE).all()
        norms = np.linalg.norm(small.peak, axis=1) * np.linalg.norm(large.peak, axis=1)
        assert (np.sum(small.peak * large.peak, axis=1) / norms > LEAST_COSINE).all()


def test_versions_differ(encoder, full):
    """A verdict tells which precision it came from."""
    assert encoder.version != full.version
    assert full.version.startswith("minilm-l6-full@1.0.0#53aa5117")
