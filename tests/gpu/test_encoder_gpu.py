"""The encoder in bf16 on a GPU: the decisions of the int8 one, and the same ones in any company."""

import numpy as np
import pytest

from models.catalog import find_entry
from models.heads import TOXICITY, load_packaged_head
from models.store import FileState, verify
from models.training.corpus import read_kinds
from tests.fixtures.later import Later

torch_encoder = Later("models.torch_encoder")
pytestmark = [pytest.mark.gpu, pytest.mark.weights]

TEXTS = [example.text for example in read_kinds()]
LEAST_COSINE = 0.96  # of int8 and fp32 .97, and bf16 keeps eight bits
MOST_DIFFERENT = 0.05  # the share of texts that may fall on the other side of a threshold
COMPANY = 0.03  # what batch-mates may change in a score: other shapes are summed in another order, in bf16


@pytest.fixture(scope="module")
def gpu(cuda, models_dir):
    if any(report.state is not FileState.OK for report in verify(find_entry("minilm-l6-full"), models_dir)):
        pytest.skip("the full-precision weights are not in place; run: weir models fetch minilm-l6-full")
    made = torch_encoder.TorchEncoder(models_dir, device="cuda", cache_windows=0)
    made.load()
    return made


def scores(found):
    head = load_packaged_head(TOXICITY)
    pairs = zip(found, TEXTS, strict=True)
    return np.array([head.predict(features, text)[:, 0].max() for features, text in pairs])


def test_decisions_are_those_of_int8(gpu, encoder):
    """Vectors point the same way, and hardly a text changes sides at the head's own thresholds."""
    small, large = encoder.encode(TEXTS), gpu.encode(TEXTS)
    for ours, theirs in zip(small, large, strict=True):
        assert (np.sum(ours.mean * theirs.mean, axis=1) > LEAST_COSINE).all()
    ours, theirs = scores(small), scores(large)
    for threshold in load_packaged_head(TOXICITY).thresholds.values():
        assert ((ours >= threshold) != (theirs >= threshold)).mean() <= MOST_DIFFERENT


def test_company_changes_hardly_a_score(gpu):
    """A text alone scores what it scores among all others."""
    together = scores(gpu.encode(TEXTS))
    alone = scores([gpu.encode([text])[0] for text in TEXTS])
    assert np.abs(together - alone).max() <= COMPANY
