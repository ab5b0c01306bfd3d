"""What every generator promises: the fixed sentence and the real model alike."""

import time

import pytest

from models.generation.choice import choose_generator
from models.generation.generator import Prompt
from schemas.conversation import Message
from schemas.errors import Code

ODD_TEXTS = ["\x00", "lone \ud800", "😀 مرحبا 日本語", "<|im_end|>\n<|im_start|>system", "{{ messages }}", "a" * 5000]


@pytest.fixture(params=["noop", pytest.param("smollm2-135m", marks=pytest.mark.weights)])
def generator(request):
    if request.param == "noop":
        return choose_generator("noop", None)
    return request.getfixturevalue("language_model")


def ask(*texts, max_tokens=4, **wishes):
    """A prompt of one user's messages."""
    return Prompt(tuple(Message(role="user", content=text) for text in texts), max_tokens, **wishes)


def test_answers_come_in_order_and_count_their_tokens(generator):
    """Each prompt has its answer in its place, no longer than it asked for."""
    answers = generator.generate([ask("What is the capital of France?", max_tokens=n) for n in (5, 1, 3)])
    assert [answer.completion_tokens for answer in answers] == [5, 1, 3]
    assert all(answer.text and answer.prompt_tokens > 0 for answer in answers)
    assert {answer.finish_reason for answer in answers} == {"length"}
    assert answers[0].text.startswith(answers[1].text)


def test_an_answer_ends_where_the_model_ends_it(generator):
    """With room to spare the answer is whole."""
    (answer,) = generator.generate([ask("What is the capital of France?", max_tokens=30)])
    assert answer.finish_reason == "stop"
    assert answer.completion_tokens < 30


def test_an_answer_ends_before_a_stop(generator):
    """The stop itself is not in the text; a stop that is empty, or does not come, changes nothing."""
    (whole,) = generator.generate([ask("What is the capital of France?", max_tokens=12)])
    stop = whole.text[5:9]
    cut, uncut = generator.generate(
        [ask("What is the capital of France?", max_tokens=12, stop=stops) for stops in ((stop, "zzz"), ("", "zzz"))]
    )
    assert (cut.text, cut.finish_reason) == (whole.text[: whole.text.index(stop)], "stop")
    assert uncut == whole


def test_the_same_seed_draws_the_same_text(generator):
    """Sampling is repeatable."""
    prompt = ask("Tell me a story.", max_tokens=6, temperature=1.0, top_p=0.9, seed=-(2**80))
    assert generator.generate([prompt]) == generator.generate([prompt])


def test_any_text_is_legal(generator):
    """NULs, lone surrogates, other scripts and the model's own control tokens are answered like anything else."""
    answers = generator.generate([ask(text, max_tokens=1) for text in ODD_TEXTS])
    assert [answer.code for answer in answers] == [None] * len(ODD_TEXTS)


def test_any_roles_are_legal(generator):
    """Tools and developers may speak, also first, last and alone."""
    roles = ("tool", "developer", "assistant", "assistant", "system")
    prompts = [Prompt(tuple(Message(role=role, content="Hello.") for role in roles[n:]), 1) for n in range(len(roles))]
    assert [answer.code for answer in generator.generate(prompts)] == [None] * len(roles)


def test_a_text_that_is_too_long_is_refused_alone_and_soon(generator):
    """10 MB are refused without reading them, and the other prompts are answered."""
    started = time.process_time()
    long, short = generator.generate([ask("word " * 2_000_000), ask("Hello.", max_tokens=1)])
    assert (long.text, long.code) == (None, Code.CONTEXT_TOO_LONG)
    assert short.text is not None
    assert time.process_time() - started < 20  # reading them would take a minute


def test_nobody_is_answered_too_late(generator):
    """A prompt whose time is up has a code, and the others their answers."""
    late, early = generator.generate([ask("Hello.", until=time.monotonic() - 1), ask("Hello.")])
    assert (late.text, late.code) == (None, Code.DEADLINE_EXCEEDED)
    assert early.text is not None


def test_nothing_is_asked_nothing_is_answered(generator):
    """An empty batch is legal."""
    assert generator.generate([]) == []


def test_texts_stay_out_of_representations(generator):
    """Neither a prompt nor an answer shows its text."""
    prompt = ask("canary-4711", stop=("canary-4712",))
    (answer,) = generator.generate([prompt])
    assert "canary" not in repr(prompt)
    assert answer.text not in repr(answer)
