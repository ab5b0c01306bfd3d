import io
import json

import pytest

import streams.check
from guards.pipeline import Pipeline
from schemas.policy import Policy
from streams.check import Workers, check_batch, read_batches
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard

CANARY = "cAnArY-41c9"
POLICY = Policy.model_validate(
    {"id": "p", "version": 1, "prompt": {"toxicity": {"block": 0.5}, "pii": {"redact": 0.5}}}
)


def load():
    return Pipeline([WordGuard(), SpanGuard()], CountingEncoder())


def check(*lines, size=32):
    stream = io.BytesIO(b"".join(line + b"\n" for line in lines))
    batches = [check_batch(batch, load(), POLICY) for batch in read_batches(stream, size)]
    return [json.loads(line) for batch in batches for line in batch.lines]


def line(**fields):
    return json.dumps(fields).encode()


def test_one_line_out_for_each_line_in():
    """Judgements and errors come in the order of the lines, errors numbered from 1."""
    out = check(line(id="a", prompt="bad"), b"{oops", line(id="c", prompt="fine"), size=2)
    assert [entry.get("action") for entry in out] == ["block", None, "allow"]
    assert (out[1]["line"], out[1]["error"]["code"]) == (2, "MALFORMED_JSON")


@pytest.mark.parametrize("value", ["a", 7, 1.5, None, True, ["x", {"y": 1}], {"z": None}, "\ud800", 10**30])
def test_the_id_comes_back_verbatim(value):
    """Any JSON value may be an id."""
    (out,) = check(line(id=value, prompt="x"))
    assert out["id"] == value
    assert type(out["id"]) is type(value)


def test_absent_sides_stay_absent():
    """A side that the line does not have, or has as null, is not in the output."""
    (prompt_only,) = check(line(id=1, prompt="x", response=None))
    assert prompt_only.keys() == {"id", "action", "prompt"}
    (with_context,) = check(line(id=1, response="x", context=["y", ""]))
    assert with_context.keys() == {"id", "action", "response", "context"}
    assert len(with_context["context"]) == 2


def test_the_form_of_a_finding():
    """A finding has every field of the contract, offsets in code points."""
    (out,) = check(line(id=1, prompt="👋 Ann"))
    (finding,) = out["prompt"]["findings"]
    assert finding == {
        "guard": "pii", "label": "NAME", "kind": "match", "score": 0.8, "threshold": 0.5,
        "action": "redact", "start": 2, "end": 5, "origin": None,
    }  # fmt: skip
    assert out["prompt"]["text"] == "👋 <NAME>"


def test_empty_texts_are_judged():
    """An empty text is no error: it has scores and an action."""
    (out,) = check(line(id=1, prompt="", response=""))
    assert (out["action"], out["prompt"]["text"]) == ("allow", "")


def test_chat_messages():
    """A prompt may be a list of messages."""
    (out,) = check(line(id=1, prompt=[{"role": "system", "content": "s"}, {"role": "user", "content": "bad"}]))
    assert out["prompt"]["text"] == "s\nbad"


def test_output_is_ascii():
    """Whatever comes in, lone surrogates too, the output is ASCII and gives the same text back."""
    stream = io.BytesIO(b'{"id": 1, "prompt": "\\ud83d caf\xc3\xa9"}\n')
    ((result,),) = [check_batch(batch, load(), POLICY).lines for batch in read_batches(stream, 8)]
    assert result.isascii()
    assert json.loads(result)["prompt"]["text"] == "\ud83d café"


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "MALFORMED_JSON", "empty"),
        (CANARY.encode(), "MALFORMED_JSON", "column 1"),
        (b"\xff", "MALFORMED_JSON", "UTF-8"),
        (b"[]", "WRONG_TYPE", "object"),
        (b"{}", "MISSING_FIELD", "prompt"),
        (line(prompt=5), "WRONG_TYPE", "prompt"),
        (line(prompt="x", context=CANARY), "WRONG_TYPE", "context"),
        (line(prompt="x", context=[1]), "WRONG_TYPE", "context.0"),
        (line(prompt=[]), "INVALID_FIELD", "prompt"),
        (line(prompt=[{"role": CANARY, "content": "x"}]), "INVALID_FIELD", "prompt.0.role"),
        (line(prompt="x", app=""), "INVALID_FIELD", "app"),
    ],
)
def test_unreadable_lines_are_named(data, code, word):
    """An unreadable line gives a code and names what is wrong, never what was written."""
    (out,) = check(data)
    assert out["error"]["code"] == code
    assert word in out["error"]["message"]
    assert CANARY not in json.dumps(out)


def test_a_line_that_is_too_long_costs_only_itself(monkeypatch):
    """An endless line is an error in its place; its rest is not read as lines of their own."""
    monkeypatch.setattr(streams.check, "MAX_LINE_BYTES", 50)
    out = check(line(id=1, prompt="x"), b"y" * 333, line(id=3, prompt="x"))
    assert [entry.get("id") for entry in out] == [1, None, 3]
    assert out[1]["error"]["code"] == "TOO_LARGE"


def test_batches_of_huge_lines_are_cut(monkeypatch):
    """A batch ends early when its lines are huge, so memory does not depend on the batch size alone."""
    monkeypatch.setattr(streams.check, "_BATCH_BYTES", 100)
    stream = io.BytesIO((b"z" * 60 + b"\n") * 6)
    assert [len(batch) for batch in read_batches(stream, 32)] == [2, 2, 2]


def test_the_last_line_needs_no_newline():
    """A final line without a newline is read; a final newline makes no further line."""
    assert [len(batch) for batch in read_batches(io.BytesIO(b"{}\n{}"), 8)] == [2]
    assert [len(batch) for batch in read_batches(io.BytesIO(b"{}\n"), 8)] == [1]
    assert list(read_batches(io.BytesIO(b""), 8)) == []


def test_several_processes_keep_the_order():
    """With several processes the output is the same, in the same order."""
    lines = b"".join(line(id=n, prompt="bad" if n % 3 else "ok") + b"\n" for n in range(50))
    results = Workers(2, load, POLICY).check(read_batches(io.BytesIO(lines), 4))
    ids = [json.loads(out)["id"] for result in results for out in result.lines]
    assert ids == list(range(50))
