"""stream: what of a draft may be read, and what judge makes of the whole answer after it."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guards.exchange import Exchange
from guards.pipeline import Pipeline
from schemas.errors import Code
from schemas.policy import Policy
from schemas.topics import (
    CANCELS,
    COMPLETIONS,
    DRAFTS,
    OUTCOMES,
    REQUESTS,
    TOKENS,
    VERDICTS,
    WORK_INTERACTIVE,
    dead_letters,
)
from tests.fixtures.guards import CountingEncoder, SpanGuard
from tests.fixtures.judging import Caused, arriving, caused, event, keeper, loaded, moved_on, policy, surroundings

POLICY = policy(
    max_chars=5000,
    prompt={"pii": {"redact": 0.5}},
    response={"toxicity": {"block": 0.5}, "pii": {"redact": 0.5}},
    replies={"refusal": "No."},
)
IDENTITY = [("ce_id", b"e-9"), ("ce_source", b"s")]
FILLER = "It goes on for a while, with words that say little, and then for a while more, so that the rest is read. "


@pytest.fixture
def given_policy():
    return surroundings(POLICY)


def work(given, text="Who?"):
    body = {"app": "shop", "user": "u", "messages": [{"role": "user", "content": text}], "parameters": {"stream": True}}
    out = caused(loaded("screen", given), arriving(REQUESTS, body, IDENTITY))
    return out.record(WORK_INTERACTIVE).model_dump(mode="json")


def drafts(given, *texts, attempt=None, asked="Who?", **completion):
    """The drafts of an answer, the last one with its completion."""
    record, name = work(given, asked), str(attempt or uuid4())
    end = {"work": record, "text": "".join(texts), "model": "m-1", "finish_reason": "stop", **completion}
    end = {field: value for field, value in end.items() if value is not None}
    made = [{"attempt": name, "seq": seq, "text": text} for seq, text in enumerate(texts)]
    made.append({"attempt": name, "seq": len(texts), "completion": end})
    made[0]["work"] = record
    return [arriving(DRAFTS, body, IDENTITY, offset) for offset, body in enumerate(made)]


def streamed(stage, messages, size=1):
    """What the stage publishes for messages that come so many at a time."""
    found = []
    for start in range(0, len(messages), size):
        for publications in stage.process(messages[start : start + size]):
            found += publications
    return Caused(found)


def chunks(out):
    return [event(each).record for each in out.all(TOKENS)]


def reply_of(out, given):
    """The outcome that judge makes of the completion that came out."""
    (completion,) = out.all(COMPLETIONS)
    return caused(loaded("judge", given), moved_on(completion))


def test_an_answer_is_released_on_its_way(given_policy):
    """Chunks come before the end, numbered, the first with a reset; the reply names them and is what they say."""
    stage = loaded("stream", given_policy)
    messages = drafts(given_policy, FILLER, FILLER, FILLER)
    early = chunks(streamed(stage, messages[:3]))
    assert early
    out = streamed(stage, messages[3:])
    every = [*early, *chunks(out)]
    assert [(each.seq, each.reset) for each in every] == [(n, n == 0) for n in range(len(every))]
    assert (every[-1].end, {each.end for each in every[:-1]}) == ("stop", {None})
    assert (every[0].request_id, every[0].request_source, every[0].app) == ("e-9", "s", "shop")
    outcome = reply_of(out, given_policy).record(OUTCOMES)
    assert (
        (outcome.status, outcome.text)
        == ("delivered", "".join(each.text for each in every))
        == ("delivered", FILLER * 3)
    )
    assert (outcome.stream.attempt, outcome.stream.chunks, outcome.stream.retracted) == (
        every[0].attempt, len(every), False,
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    words=st.lists(st.sampled_from(["Ann", "Anna,", "an", FILLER, "bad-ish", "Ben.", "\n"]), max_size=30),
    size=st.integers(1, 9),
    width=st.integers(1, 60),
)
def test_what_is_redacted_is_never_released(words, size, width):
    """However the answer and its batches are cut, no chunk holds a name, and the reply is the chunks."""
    setting = surroundings(policy(max_chars=5000, response={"pii": {"redact": 0.5}}))
    text = " ".join(words) or "x"
    parts = [text[at : at + width] for at in range(0, len(text), width)]
    out = streamed(loaded("stream", setting), drafts(setting, *parts), size)
    released = "".join(each.text for each in chunks(out))
    assert "Ann" not in released
    outcome = reply_of(out, setting).record(OUTCOMES)
    assert (outcome.text, outcome.stream.retracted) == (released, False)
    assert released == text.replace("Ann", "<NAME_1>")
    assert outcome.status == ("redacted" if "Ann" in text else "delivered")


def test_what_blocks_ends_the_stream_before_it(given_policy):
    """The last chunk says so; nothing of it is released, then or later, and the reply takes the rest back."""
    out = streamed(
        loaded("stream", given_policy), drafts(given_policy, FILLER * 2, "This is bad. ", FILLER, FILLER * 2)
    )
    every = chunks(out)
    assert "bad" not in "".join(each.text for each in every)
    assert every[0].text.startswith("It goes")
    assert [(each.end, each.code) for each in every if each.end] == [("withheld", Code.BLOCKED)]
    outcome = reply_of(out, given_policy).record(OUTCOMES)
    assert (outcome.status, outcome.code, outcome.text, outcome.message) == ("withheld", "BLOCKED", None, "No.")
    assert (outcome.stream.chunks, outcome.stream.retracted) == (len(every), True)
    assert (
        given_policy.metrics.registry.get_sample_value("weir_events_total", {"stage": "stream", "action": "block"}) == 1
    )
    halt = out.event(CANCELS)
    assert (halt.record.request_id, halt.record.source, halt.record.attempt) == ("e-9", "s", every[0].attempt)


def test_a_stream_that_was_cut_is_not_delivered_as_a_whole(given_policy):
    """Where the whole answer would pass, the reply is withheld all the same, and the verdict says why."""
    stage = loaded("stream", given_policy)
    messages = drafts(given_policy, FILLER * 2 + "This is bad. " + FILLER * 2)
    out = streamed(stage, messages)
    (completion,) = out.all(COMPLETIONS)
    record = event(completion).record.model_dump(mode="json") | {"text": "All is well."}
    judged = caused(loaded("judge", given_policy), arriving(COMPLETIONS, record, IDENTITY))
    assert (judged.record(OUTCOMES).status, judged.record(OUTCOMES).action) == ("withheld", "block")
    assert judged.record(VERDICTS).code == "STREAM_CUT"


def test_what_judge_finds_beyond_is_taken_back(given_policy):
    """A span that only the whole answer shows is redacted in the reply, which says that the chunks are void."""
    out = streamed(loaded("stream", given_policy), drafts(given_policy, FILLER + "Ben is here."))
    finding = replace(given_policy, load_pipeline=lambda: Pipeline([SpanGuard(needle="Ben")], CountingEncoder()))
    outcome = reply_of(out, finding).record(OUTCOMES)
    assert (outcome.status, outcome.text, outcome.stream.retracted) == ("redacted", FILLER + "<NAME_1> is here.", True)


def test_what_screen_redacted_is_put_back():
    """Chunks and reply have again what the user wrote."""
    setting = surroundings(POLICY, keeper=keeper())
    out = streamed(loaded("stream", setting), drafts(setting, FILLER, "Dear <NAME_1>, hello.", asked="I am Ann"))
    assert "".join(each.text for each in chunks(out)) == FILLER + "Dear Ann, hello."
    assert reply_of(out, setting).record(OUTCOMES).text == FILLER + "Dear Ann, hello."


def test_a_new_attempt_begins_anew(given_policy):
    """What another process makes of the request is an attempt of its own; the reply names it."""
    stage = loaded("stream", given_policy)
    first = chunks(streamed(stage, drafts(given_policy, FILLER, FILLER)[:2]))
    out = streamed(stage, drafts(given_policy, "Other. " + FILLER, attempt=UUID(int=7)))
    again = chunks(out)
    assert first[0].attempt != again[0].attempt == UUID(int=7)
    assert (again[0].seq, again[0].reset) == (0, True)
    assert reply_of(out, given_policy).record(OUTCOMES).stream.attempt == UUID(int=7)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_what_is_lost_comes_with_the_completion(given_policy, lost):
    """A draft that did not come, or came to another process, costs the pace and nothing else."""
    messages = drafts(given_policy, FILLER, FILLER, FILLER)
    out = streamed(loaded("stream", given_policy), [*messages[:lost], *messages[lost + 1 :]])
    outcome = reply_of(out, given_policy).record(OUTCOMES)
    named = [each for each in chunks(out) if each.attempt == outcome.stream.attempt]
    assert "".join(each.text for each in named) == outcome.text == FILLER * 3
    assert [each.seq for each in named] == list(range(outcome.stream.chunks))
    assert named[0].reset


def test_a_completion_that_comes_twice_is_released_twice_under_two_names(given_policy):
    """Each of the two outcomes names chunks that are its text: whichever settles first is right."""
    messages = drafts(given_policy, FILLER, "Ann.")
    stage = loaded("stream", given_policy)
    once, twice = streamed(stage, messages), streamed(stage, messages[-1:])
    for out in (once, twice):
        outcome = reply_of(out, given_policy).record(OUTCOMES)
        named = [each for each in chunks(out) if each.attempt == outcome.stream.attempt]
        assert "".join(each.text for each in named) == outcome.text
    assert chunks(once)[0].attempt != chunks(twice)[0].attempt


def test_an_answer_that_fails_ends_its_stream(given_policy):
    """The last chunk tells the code, and the reply takes back what there was."""
    failed = {"text": None, "code": "MODEL_FAILED", "finish_reason": None}
    out = streamed(loaded("stream", given_policy), drafts(given_policy, FILLER * 2, **failed))
    assert (chunks(out)[-1].end, chunks(out)[-1].code) == ("error", "MODEL_FAILED")
    outcome = reply_of(out, given_policy).record(OUTCOMES)
    assert (outcome.status, outcome.code, outcome.stream.retracted) == ("error", "MODEL_FAILED", True)


def test_a_text_beyond_the_limit_ends_its_stream():
    """A text that is too long to be judged is not released beyond that."""
    setting = surroundings(policy(max_chars=300, response={"toxicity": {"block": 0.5}}))
    out = streamed(loaded("stream", setting), drafts(setting, FILLER * 2, FILLER * 2))
    assert [(each.end, each.code) for each in chunks(out) if each.end] == [("withheld", "TOO_LONG")]
    assert len("".join(each.text for each in chunks(out))) < 300


def test_an_app_without_a_policy_has_no_stream(given_policy):
    """Its completion goes on to judge, which tells."""
    setting = surroundings(Policy.model_validate({"id": "q", "version": 1, "apps": ["other"]}))
    out = streamed(loaded("stream", setting), drafts(given_policy, FILLER * 3))
    assert out.topics == ["completions"]


def test_a_batch_that_fails_is_done_again_in_halves(given_policy):
    """A draft that cannot be processed takes no chunk of another answer with it, and none comes twice."""
    stage = loaded("stream", given_policy)
    messages = drafts(given_policy, FILLER, FILLER)
    with pytest.raises(AttributeError):
        stage.process([messages[0], messages[1], None])
    every = chunks(streamed(stage, messages))
    assert "".join(each.text for each in every) == FILLER * 2
    assert [each.seq for each in every] == list(range(len(every)))


def test_what_is_no_draft_is_a_dead_letter(given_policy):
    """It is kept as it came."""
    out = streamed(loaded("stream", given_policy), [arriving(DRAFTS, b"\xff", IDENTITY)])
    assert out.topics == [dead_letters(DRAFTS).name]


def test_texts_stay_out_of_representations(given_policy):
    """No record and no state shows what was written."""
    stage = loaded("stream", given_policy)
    messages = drafts(given_policy, "canary-4711 " * 30, "canary-4711")
    out = streamed(stage, messages[:1])
    held = [stage._attempts, *chunks(out), Exchange(None, "canary-4711")]
    assert not any("canary" in repr(each) for each in held)
