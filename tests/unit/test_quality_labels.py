import gzip
import json

import pytest

from guards.guard import Side
from guards.pipeline import Pipeline
from schemas.errors import ConfigError
from schemas.policy import Policy
from streams.quality.labels import read_labels
from streams.quality.scoring import score_lines
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard

POLICY = Policy.model_validate({"id": "p", "version": 1, "prompt": {"toxicity": {"block": 0.5}}})


def written(folder, *lines):
    path = folder / "labels.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def scored(folder, *lines, wanted=None):
    guards = [WordGuard(), SpanGuard(), WordGuard("relevance", "bad", (Side.RESPONSE,))]
    path = written(folder, *lines)
    pipeline = Pipeline(guards, CountingEncoder())
    return list(score_lines(read_labels(path, wanted), pipeline, POLICY, path, batch_size=2))


TOXIC = ("toxicity", "threat", "insult", "identity_attack", "obscene", "sexual_explicit")
SHAPES = {
    "ours": (
        {"prompt": "x", "labels": {"toxicity": 1}, "slice": "s", "language": "en", "source": "me"},
        ({"toxicity": 1}, "s", "en"),
    ),
    "text and toxic": (
        {"text": "x", "toxic": 1, "labels": {"sexual": 1}},
        ({"toxicity": 1, "sexual_explicit": 1}, None, None),
    ),
    "not toxic at all": (
        {"text": "x", "toxic": 0},
        (dict.fromkeys(TOXIC, 0), None, None),
    ),
    "injection and kind": ({"text": "x", "injection": 0, "kind": "trigger"}, ({"injection": 0}, "trigger", None)),
    "a pair": ({"prompt": "x", "response": "y", "relevant": 1}, ({"relevance": 1}, None, None)),
    "a context": ({"response": "y", "context": "z", "grounded": 0, "lang": "de"}, ({"groundedness": 0}, None, "de")),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_are_read(tmp_path, shape):
    """Lines of our own shape and of common data sets come out alike."""
    given, (labels, kind, language) = SHAPES[shape]
    (found,) = read_labels(written(tmp_path, given))
    assert (found.line.labels, found.line.slice, found.line.language) == (labels, kind, language)


def test_a_labelled_passage_of_context(tmp_path):
    """A text whose side is the context becomes a passage."""
    (found,) = read_labels(written(tmp_path, {"text": "x", "side": "context", "injection": 1}))
    assert found.line.context == ("x",)


def test_compressed_and_empty_lines(tmp_path):
    """A .gz file is read; empty lines and those without a wanted label are passed over, numbers stay."""
    path = tmp_path / "labels.jsonl.gz"
    path.write_bytes(gzip.compress(b'\n{"text": "x", "injection": 1}\n{"text": "y", "toxic": 1}\n'))
    assert [found.number for found in read_labels(path)] == [2, 3]
    assert [found.number for found in read_labels(path, ["toxicity"])] == [3]


FAULTS = {
    "oops": "labels.jsonl:1: ",
    '{"prompt": "cAnArY"}': "labels.jsonl:1: labels: Field required",
    '{"prompt": "cAnArY", "labels": {"toxicity": 2}}': "labels.jsonl:1: labels.toxicity: ",
    '{"prompt": "cAnArY", "labels": {"tox": 1}}': "labels.jsonl:1: no guard has the label 'tox'",
    '{"prompt": "cAnArY", "response": "b", "labels": {"toxicity": 1}}': "toxicity is read in prompt and response: say",
    '{"prompt": "cAnArY", "labels": {"relevance": 1}}': "relevance is not read in the texts that this line has",
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_faulty_line_is_named(tmp_path, line):
    """The first line that cannot be used ends the run with file, number and problem, without its text."""
    with pytest.raises(ConfigError) as caught:
        scored(tmp_path, line)
    assert FAULTS[line] in str(caught.value)
    assert "cAnArY" not in str(caught.value)


def test_scores_come_from_the_pipeline(tmp_path):
    """A label gets its side's score; spans get their best hit's; what fails has none."""
    examples = scored(
        tmp_path,
        {"prompt": "bad", "labels": {"toxicity": 1}},
        {"prompt": "bad", "response": "fine", "labels": {"toxicity": 0}, "side": "response"},
        {"prompt": "Ann", "labels": {"NAME": 1, "pii": 1}},
        {"prompt": "boom", "labels": {"toxicity": 1}},
        {"prompt": "x", "response": "bad", "labels": {"relevance": 1}},
    )
    assert [(e.label, e.side, e.value) for e in examples] == [
        ("toxicity", "prompt", 0.9),
        ("toxicity", "response", 0.1),
        ("NAME", "prompt", 0.8),
        ("pii", "prompt", 0.8),
        ("toxicity", "prompt", None),
        ("relevance", "response", 0.9),
    ]
    assert (examples[-1].bad, examples[-1].badness) == (False, 0.1)
    assert examples[2].excerpt == "<NAME>"
    assert "excerpt" not in repr(examples[0])
