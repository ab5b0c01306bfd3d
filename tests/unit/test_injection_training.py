"""Made injections and their neighbours: reproducible, labelled, and on one side each."""

import re
from collections import Counter

import numpy as np
import pytest

from models.training.augmentation import Phrases
from models.training.corpus import Example
from tests.fixtures.later import Later

recipe = Later("models.training.recipe")
attacks = Later("models.training.attacks")
injections = Later("models.training.injections")
tasks = Later("models.training.tasks")

_WORD = re.compile(r"\w+")
BASE = [
    *(Example(f"Please write a letter number {n} to my aunt.", "own", "benign", {"injection": 0}) for n in range(20)),
    *(Example(f"The port is old. It has {n} ships.", "bipia", "document", {"injection": 0}) for n in range(20)),
]


@pytest.fixture(scope="module")
def made():
    return injections.augment_injection(BASE, Phrases.load(), seed=1)


def test_augmentation_is_reproducible(made):
    """The same seed makes the same examples, another seed others."""
    assert made == injections.augment_injection(BASE, Phrases.load(), seed=1)
    assert made != injections.augment_injection(BASE, Phrases.load(), seed=2)


def test_every_kind_is_made(made):
    """Attacks of every kind and innocent neighbours of every kind are made, about as many of both."""
    kinds = Counter((example.kind, example.labels["injection"]) for example in made)
    assert {kind for kind, injection in kinds if injection} == {
        "injection", "extraction", "jailbreak", "suffix", "wish", "indirect"
    }  # fmt: skip
    assert {kind for kind, injection in kinds if not injection} == {"trigger", "delicate", "document", "data"}
    attacks = sum(count for (_, injection), count in kinds.items() if injection)
    assert 0.2 < attacks / len(made) < 0.6


def test_no_slot_is_left(made):
    """Every slot of a sentence is filled; braces of code and of gibberish may stay."""
    phrases = Phrases.load()
    parts = (phrases.attacks[name] for name in ("agents", "states", "abroad"))
    sections = (phrases.injection, phrases.attacks, *parts, phrases.everyday)
    names = ("{aim}", "{sage}", *(f"{{{name}}}" for section in sections for name in section["slots"]))
    assert not [example for example in made if any(name in example.text for name in names)]


def test_everyday_templates_draw_by_themselves():
    """What one template of the everyday table makes does not depend on the templates before it."""
    table = Phrases.load().everyday
    last = list(attacks.made_everyday({**table, "template": table["template"][-1:]}, seed=1))
    assert last
    assert list(attacks.made_everyday(table, seed=1))[-len(last) :] == last


def test_a_poisoned_document_keeps_its_words(made):
    """A poisoned document is the document with one sentence more."""
    documents = {example.text for example in BASE if example.kind == "document"}
    poisoned = [example for example in made if example.source == "poisoned"]
    assert len(poisoned) == len(documents)
    for example in poisoned:
        said = set(_WORD.findall(example.text))
        assert any(said > set(_WORD.findall(document)) for document in documents)


def test_each_head_has_its_rows(made):
    """What only counts as an attack inside a document is not learnt for prompts, and prompts not for documents."""
    prompt, indirect = tasks.TASKS["injection"], tasks.TASKS["indirect"]
    for example in made:
        assert prompt.uses(example) != indirect.uses(example)


def test_ngrams_learn_what_tells_texts_apart():
    """The bucket that only positives have gets the highest weight, that of negatives the lowest; seeds repeat."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300).astype(np.float32)
    bags = [np.array([7 if positive else 9, 20 + n % 5], np.int32) for n, positive in enumerate(truth)]
    counts = np.ones(300, np.int64)
    small = recipe.Recipe(batch_texts=32)
    weights = recipe.train_ngrams(bags, counts, truth, small)
    assert weights.argmax() == 7
    assert weights.argmin() == 9
    np.testing.assert_array_equal(weights, recipe.train_ngrams(bags, counts, truth, small))
