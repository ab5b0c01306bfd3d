"""The PII guard's data file, folding, and import of Presidio."""

import logging
import subprocess
import sys

import pytest

from guards import patterns
from guards.folding import fold, folding_table
from guards.pii import catalog
from guards.pii.view import TextView
from schemas.errors import ConfigError

ROW = {"label": "X", "recognizer": "EmailRecognizer", "alone": 0.5, "together": 0.9}
TABLES = {"entity": [ROW], "min_score": 0.3, "context_before": 10, "context_after": 5}


def test_the_packaged_file_is_whole():
    """Every entity of the packaged file parses, has a label of its own and sensible scores."""
    parsed = catalog.parse(patterns.read("pii.toml").tables)
    labels = [entity.label for entity in parsed.entities]
    assert len(labels) == len(set(labels)) >= 20
    assert all(0 <= entity.alone <= entity.together <= 1 for entity in parsed.entities)
    assert all(entity.context for entity in parsed.entities if not entity.alone)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({**ROW, "colour": 1}, "colour"),
        ({key: value for key, value in ROW.items() if key != "alone"}, "alone"),
        ({**ROW, "trigger": "("}, "trigger"),
    ],
)
def test_a_faulty_entity_names_its_key(row, field):
    """A pattern file that cannot be used is refused, naming the key."""
    with pytest.raises(ConfigError) as caught:
        catalog.parse({**TABLES, "entity": [row]})
    assert caught.value.field == field


def test_a_missing_file_is_named():
    """A pattern file that is not there is refused, naming it."""
    with pytest.raises(ConfigError) as caught:
        patterns.read("absent.toml")
    assert caught.value.field == "absent.toml"


def test_the_digest_follows_the_bytes(tmp_path, monkeypatch):
    """The version that guards derive from their file changes with any byte of it."""
    monkeypatch.setattr(patterns, "files", lambda _package: tmp_path)
    (tmp_path / "p.toml").write_bytes(b"a = 1\n")
    first = patterns.read("p.toml").digest
    (tmp_path / "p.toml").write_bytes(b"a = 2\n")
    assert patterns.read("p.toml").digest != first


def test_folding_keeps_every_length():
    """Each code point folds to one, also in lower case, so that offsets hold; no lone surrogate is left."""
    table = folding_table()
    for code in range(sys.maxunicode + 1):
        folded = fold(chr(code), table)
        assert len(folded) == len(folded.lower()) == 1
        assert not 0xD800 <= ord(folded) <= 0xDFFF


@pytest.mark.parametrize(
    ("text", "longest"),
    [("", 0), ("no digits", 0), ("12 34", 4), ("12   34", 2), ("(212) 555-1234 and 99", 10), ("1.2.3", 3)],
)
def test_longest_run_of_digits(text, longest):
    """Digits count as one run across at most two separators."""
    assert TextView(text, {}).longest_run == longest


def test_presidio_comes_without_model_libraries():
    """Loading the guard imports no torch and no transformers, though both may be installed; they stay importable."""
    program = (
        "import sys\nfrom guards.pii import PiiGuard\n"
        "assert 'presidio_analyzer' not in sys.modules\n"
        "PiiGuard().load()\n"
        "assert 'presidio_analyzer' in sys.modules\n"
        "print({'torch', 'transformers'} & set(sys.modules), len(sys.meta_path))\n"
    )
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(len(sys.meta_path))"], capture_output=True, text=True, check=True
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split("set()")[-1].strip() == before.stdout.strip()


def test_presidio_logs_nothing(caplog):
    """Presidio's recognisers log what they matched when a check fails: that log is off once the guard is loaded."""
    from guards.pii import PiiGuard  # noqa: PLC0415 - the test is about loading

    PiiGuard().load()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("presidio-analyzer").error("Failed to validate text %s", "canary")
    assert "canary" not in caplog.text
