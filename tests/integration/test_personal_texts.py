"""Made-up texts with labels: what the tagger learns from, and how well it reads sentences kept aside."""

import pytest

from models.tagger import LABELS, OnnxTagger

personal = pytest.importorskip("models.training.personal", reason="Faker is a development package")


def overlap(one, other):
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared / (max(one[1], other[1]) - min(one[0], other[0])) if shared > 0 else 0.0


def test_the_same_seed_writes_the_same_texts():
    """Texts follow from the seed alone."""
    one, two, other = (list(personal.Author(seed, aside=False).write(50)) for seed in (3, 3, 4))
    assert one == two != other


def test_labels_cover_what_was_filled_in():
    """Spans lie in order within the text, carry the tagger's labels, and are not blank."""
    for made in personal.Author(1, aside=False).write(300):
        edges = [edge for start, end, _ in made.spans for edge in (start, end)]
        assert edges == sorted(edges)
        assert all(label in LABELS and made.text[start:end].strip() for start, end, label in made.spans)


def test_what_is_aside_is_not_learnt():
    """Sentences for measuring are of other groups than those for training."""
    learnt, kept = ({made.group for made in personal.Author(1, aside=aside).write(600)} for aside in (False, True))
    assert learnt
    assert kept
    assert not learnt & kept


def test_sentences_kept_aside(models_dir):
    """Of the names in sentences that were not trained on, most are found, and little else is taken for one."""
    tagger = OnnxTagger(models_dir, cache=0)
    tagger.load()
    made = list(personal.Author(8, aside=True).write(150))
    found = wrong = wanted = 0
    for text, tags in zip(made, tagger.tag([one.text for one in made]), strict=True):
        names = [span for span in text.spans if span[2] == "PERSON"]
        marked = [(tag.start, tag.end) for tag in tags if tag.label == "PERSON"]
        wanted += len(names)
        found += sum(any(overlap(span, mark) >= 0.7 for mark in marked) for span in names)
        wrong += sum(not any(overlap(span, mark) > 0 for span in names) for mark in marked)
    assert found / wanted > 0.85
    assert wrong / wanted < 0.1
