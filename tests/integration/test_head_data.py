"""The development data, where it is present, is the data that the shipped heads were trained on."""

import json
from pathlib import Path

import pytest

from models.catalog import weights_folder
from models.training.augmentation import Phrases
from models.training.corpus import fingerprint, in_fixed_order
from tests.fixtures.later import Later

tasks = Later("models.training.tasks")
pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def data():
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not (folder / "toxicity.jsonl.gz").is_file():
        pytest.skip("the labelled data is not beside this checkout")
    return folder


@pytest.mark.parametrize("name", ["toxicity", "injection"])
def test_the_card_names_this_data(data, name):
    """Reading the data gives the fingerprint on the card, and the aside sources are in it."""
    task = tasks.TASKS[name]
    card = json.loads((weights_folder() / f"{task.name}.card.json").read_text())
    phrases = Phrases.load()
    rows = [row for row in in_fixed_order(task.read(data)) if task.keep(row, phrases)]
    assert fingerprint(rows) == card["data"]["sha256"]
    assert task.aside <= {row.source for row in rows}
    assert task.aside.isdisjoint(card["data"]["sources"])


def test_fine_labels_are_unknown_or_known(data):
    """What is not toxic has every fine label 0; what is toxic may lack some."""
    rows = list(tasks.TASKS["toxicity"].read(data))
    clean = [row for row in rows if not row.labels["toxicity"]]
    assert all(len(row.labels) == 6 and not any(row.labels.values()) for row in clean)
    assert any(len(row.labels) < 6 for row in rows)
