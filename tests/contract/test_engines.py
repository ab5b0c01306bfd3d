"""What every engine promises: the fixed sentence and the real model alike, in static batches and continuously."""

import time
from dataclasses import replace

import pytest

from models.generation.choice import Wishes, choose_engine
from models.generation.fleet import Fleet
from models.generation.generator import Prompt
from schemas.conversation import Message
from schemas.errors import Code
from streams.infer.http_engine import HttpEngine, Server
from tests.fixtures.chat_server import ChatServer

ODD_TEXTS = ["\x00", "lone \ud800", "😀 مرحبا 日本語", "<|im_end|>\n<|im_start|>system", "{{ messages }}", "a" * 5000]


@pytest.fixture(
    params=[
        "noop",
        "fleet",
        "http",
        *(pytest.param(kind, marks=pytest.mark.weights) for kind in ("static", "continuous")),
    ]
)
def engine(request):
    if request.param == "noop":
        return choose_engine("noop", None, Wishes())
    return request.getfixturevalue(f"{request.param}_engine")


@pytest.fixture
def fleet_engine():
    """Two models behind one engine, of which the first serves who names none."""
    made = Fleet([choose_engine("noop", None, Wishes()) for _ in range(2)], {"noop": 0, "other": 1})
    made.load()
    return made


@pytest.fixture
def http_engine():
    """An engine before a real server on loopback."""
    with ChatServer() as server:
        made = HttpEngine(Server(server.url, "noop"), 8)
        made.load()
        yield made
        made.close()


def ask(*texts, max_tokens=4, **wishes):
    """A prompt of one user's messages."""
    return Prompt(tuple(Message(role="user", content=text) for text in texts), max_tokens, **wishes)


def finish(engine, *tickets):
    """What these end in, and nothing else."""
    done = {}
    while done.keys() != set(tickets):
        for each in engine.step():
            assert each.ticket in tickets
            assert each.ticket not in done
            done[each.ticket] = each
    return done


def generate(engine, prompts):
    """The answers, in the order of the prompts."""
    for ticket, prompt in enumerate(prompts):
        engine.submit(ticket, prompt)
    done = finish(engine, *range(len(prompts)))
    return [done[ticket].answer for ticket in range(len(prompts))]


def test_answers_find_their_prompts_and_count_their_tokens(engine):
    """Each prompt has its own answer, no longer than it asked for."""
    answers = generate(engine, [ask("What is the capital of France?", max_tokens=n) for n in (5, 1, 3)])
    assert [answer.completion_tokens for answer in answers] == [5, 1, 3]
    assert all(answer.text and answer.prompt_tokens > 0 for answer in answers)
    assert {answer.finish_reason for answer in answers} == {"length"}
    assert answers[0].text.startswith(answers[1].text)


def test_an_answer_ends_where_the_model_ends_it(engine):
    """With room to spare the answer is whole."""
    (answer,) = generate(engine, [ask("What is the capital of France?", max_tokens=30)])
    assert answer.finish_reason == "stop"
    assert answer.completion_tokens < 30


def test_an_answer_ends_before_a_stop(engine):
    """The stop itself is not in the text; a stop that is empty, or does not come, changes nothing."""
    (whole,) = generate(engine, [ask("What is the capital of France?", max_tokens=12)])
    stop = whole.text[5:9]
    cut, uncut = generate(
        engine,
        [ask("What is the capital of France?", max_tokens=12, stop=stops) for stops in ((stop, "zzz"), ("", "zzz"))],
    )
    assert (cut.text, cut.finish_reason) == (whole.text[: whole.text.index(stop)], "stop")
    assert uncut == whole


def test_the_same_seed_draws_the_same_text(engine):
    """Sampling is repeatable."""
    prompt = ask("Tell me a story.", max_tokens=6, temperature=1.0, top_p=0.9, seed=-(2**80))
    assert generate(engine, [prompt]) == generate(engine, [prompt])


def test_any_text_is_legal(engine):
    """NULs, lone surrogates, other scripts and the model's own control tokens are answered like anything else."""
    answers = generate(engine, [ask(text, max_tokens=1) for text in ODD_TEXTS])
    assert [answer.code for answer in answers] == [None] * len(ODD_TEXTS)


def test_any_roles_are_legal(engine):
    """Tools and developers may speak, also first, last and alone."""
    roles = ("tool", "developer", "assistant", "assistant", "system")
    prompts = [Prompt(tuple(Message(role=role, content="Hello.") for role in roles[n:]), 1) for n in range(len(roles))]
    assert [answer.code for answer in generate(engine, prompts)] == [None] * len(roles)


def test_a_text_that_is_too_long_is_refused_alone_and_soon(engine):
    """10 MB are refused without reading them, and the other prompts are answered."""
    started = time.process_time()
    long, short = generate(engine, [ask("word " * 2_000_000), ask("Hello.", max_tokens=1)])
    assert (long.text, long.code) == (None, Code.CONTEXT_TOO_LONG)
    assert short.text is not None
    assert time.process_time() - started < 20  # reading them would take a minute


def test_nobody_is_answered_too_late(engine):
    """A prompt whose time is up has a code, and the others their answers."""
    late, early = generate(engine, [ask("Hello.", until=time.monotonic() - 1), ask("Hello.")])
    assert (late.text, late.code) == (None, Code.DEADLINE_EXCEEDED)
    assert early.text is not None


def test_nothing_is_asked_nothing_is_answered(engine):
    """A step without anything to do is legal."""
    assert engine.step() == []


def test_a_prompt_may_come_while_others_are_answered(engine):
    """What is submitted after a step ends like what was before, and says how long it took."""
    engine.submit(1, ask("Hello.", max_tokens=12))
    early = {each.ticket: each for each in engine.step()}
    engine.submit(2, ask("Hello.", max_tokens=3))
    done = {**early, **finish(engine, *{1, 2} - early.keys())}
    assert all(each.answer.text and each.seconds >= (each.first_token or 0) >= 0 for each in done.values())


def test_what_is_cancelled_ends(engine):
    """A cancelled prompt ends with a code unless it has its answer already, and what was not submitted is ignored."""
    engine.submit(1, ask("Hello.", max_tokens=200))
    engine.submit(2, ask("Hello."))
    engine.cancel(1)
    engine.cancel(3)
    done = finish(engine, 1, 2)
    assert (done[1].answer.code, done[1].answer.text) == (Code.CANCELLED, None)
    assert done[2].answer.text


def test_more_than_there_is_room_for_waits(engine):
    """Whatever is submitted beyond the capacity ends, too."""
    count = 2 * engine.capacity.slots + 1
    assert all(answer.text for answer in generate(engine, [ask("Hello.", max_tokens=1)] * count))


def test_an_object_is_seen_to_or_refused(engine):
    """An engine that cannot see to it that an answer is JSON says so, and does not answer with something else."""
    (asked,) = generate(engine, [replace(ask("Hello."), as_json=True)])
    assert asked.code is (None if engine.kind == "http" else Code.INVALID_FIELD)
    assert asked.reason is None or "response_format" in asked.reason


def test_texts_stay_out_of_representations(engine):
    """Neither a prompt nor an answer shows its text."""
    prompt = ask("canary-4711", stop=("canary-4712",))
    (answer,) = generate(engine, [prompt])
    assert "canary" not in repr(prompt)
    assert answer.text not in repr(answer)


def test_an_answer_is_told_as_it_comes(engine):
    """Pieces follow each other from 0, more than one, and the answer begins with them; who did not ask hears none."""
    heard = []
    prompt = ask("What is the capital of France? Name its river too.", max_tokens=12)
    engine.submit(1, prompt, lambda at, text: heard.append((at, text)))
    engine.submit(2, prompt)
    done = finish(engine, 1, 2)
    assert len(heard) > 3
    assert [at for at, _ in heard] == [sum(len(text) for _, text in heard[:n]) for n in range(len(heard))]
    assert done[1].answer.text.startswith("".join(text for _, text in heard))
    assert done[1].answer == done[2].answer


def test_nothing_is_told_behind_a_stop(engine):
    """What is told before a stop comes up is never taken back by it, wherever it falls."""
    (whole,) = generate(engine, [ask("What is the capital of France?", max_tokens=12)])
    for number, stop in enumerate((whole.text[5:9], whole.text[3:14])):
        heard = []
        prompt = ask("What is the capital of France?", max_tokens=12, stop=(stop, whole.text[5:8] + "zzz"))
        engine.submit(number, prompt, lambda _, text, heard=heard: heard.append(text))
        answer = finish(engine, number)[number].answer
        assert answer.text.startswith("".join(heard))
