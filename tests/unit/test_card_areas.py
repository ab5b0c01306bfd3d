"""The table that `weir models train` ends with."""

import json

import pytest

from models.catalog import weights_folder
from models.heads import INDIRECT, INJECTION, TOXICITY
from streams.cli.models import areas


@pytest.mark.parametrize(
    ("name", "parts"), [(TOXICITY, ["dev", "aside"]), (INJECTION, ["dev"]), (INDIRECT, ["dev"])], ids=str
)
def test_every_head_has_its_areas(name, parts):
    """A head without sources kept aside for good has those of development texts."""
    rows = areas(json.loads((weights_folder() / f"{name}.card.json").read_text("utf-8")))
    assert list(dict.fromkeys(part for part, *_ in rows)) == parts
    assert all(0.5 < float(area) <= 1 for _, _, area, _ in rows)
