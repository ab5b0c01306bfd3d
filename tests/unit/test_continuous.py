"""Continuous batching with a tiny network of random weights: rows that join, leave, fail and run out of memory."""

import random

import pytest

from models.generation.generator import Prompt
from schemas.conversation import Message
from schemas.errors import Code, ConfigError
from tests.fixtures.later import Later

torch = Later("torch")
transformers = Later("transformers")
continuous = Later("models.generation.continuous")
language_model = Later("models.generation.language_model")
prefixes = Later("models.generation.prefixes")

VOCABULARY = 97
POISON = 96


class Letters:
    """A chat as one id for each character."""

    def encode(self, messages):
        return [ord(letter) % (VOCABULARY - 1) if letter != "!" else POISON for letter in messages[-1].content]


class Opening:
    """Opens a tiny model; ``guard`` sees the ids of every pass before the network does."""

    name = "tiny"

    def __init__(self, guard=lambda ids: None, **config):
        self._guard = guard
        self._config = config

    def __call__(self):
        torch.manual_seed(1)
        network = build(**self._config)
        forward = network.forward

        def guarded(input_ids, attention_mask, position_ids, past_key_values, use_cache, logits_to_keep):
            self._guard(input_ids)
            return forward(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
                use_cache=use_cache,
                logits_to_keep=logits_to_keep,
            )

        network.forward = guarded
        spell = "".join
        return language_model.LanguageModel(
            network, Letters(), lambda ids: spell(f"{n}," for n in ids), frozenset(), 512, "tiny@1"
        )


def build(kind="LlamaForCausalLM", **changes):
    names = {
        "LlamaForCausalLM": "LlamaConfig",
        "MistralForCausalLM": "MistralConfig",
        "Qwen2ForCausalLM": "Qwen2Config",
    }
    config = getattr(transformers, names[kind])(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, **changes,
    )  # fmt: skip
    return getattr(transformers, kind)(config).float().eval()


def prompt(text, tokens=8, **wishes):
    return Prompt((Message(role="user", content=text),), tokens, **wishes)


def engine(opening=None, slots=4, clock=None):
    made = continuous.ContinuousEngine(opening or Opening(), slots, *([clock] if clock else []))
    made.load()
    return made


def finish(made, count):
    done = {}
    for _ in range(10_000):
        if len(done) == count:
            return done
        done.update((each.ticket, each) for each in made.step())
    raise AssertionError("it does not end")


def reference(network, text, tokens):
    """What the network makes of a prompt alone, without any memory of ours."""
    ids = Letters().encode([Message(role="user", content=text)])
    start = len(ids)
    with torch.inference_mode():
        for _ in range(tokens):
            ids.append(int(network(torch.tensor([ids])).logits[0, -1].argmax()))
    return "".join(f"{n}," for n in ids[start:])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"kind": "MistralForCausalLM", "sliding_window": 16},
        {"kind": "Qwen2ForCausalLM", "use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1},
    ],
    ids=["full", "sliding", "both"],
)
def test_rows_that_join_and_leave_do_not_disturb_each_other(config):
    """Every answer is what the network makes of its prompt alone, whatever ran beside it and wherever it moved."""
    made = engine(Opening(**config))
    torch.manual_seed(1)
    network = build(**config)
    source = random.Random(5)
    asked = {n: ("abcdefgh"[n % 8] * source.choice((1, 3, 20, 130)), source.choice((1, 4, 30))) for n in range(24)}
    done = {}
    for ticket, (text, tokens) in asked.items():
        made.submit(ticket, prompt(text, tokens))
        done.update((each.ticket, each) for each in made.step())
    done.update(finish(made, len(asked) - len(done)))
    assert {n: done[n].answer.text for n in asked} == {n: reference(network, *asked[n]) for n in asked}


def test_what_prompts_begin_with_is_read_once():
    """Prompts with one beginning, in turn, side by side or as a next turn: equal answers, less read. Not of others."""
    read = []
    made = engine(Opening(lambda ids: read.append(ids.numel() if ids.shape[1] > 1 else 0)))
    torch.manual_seed(1)
    network = build()
    rules = "the rules of the house, " * 8

    def asked(*texts, owner="shop"):
        """Ids of prompts that the network reads, padding too."""
        read.clear()
        for ticket, text in enumerate(texts):
            made.submit(ticket, prompt(text, 20, owner=owner))
        done = finish(made, len(texts))
        assert [done[n].answer.text for n in range(len(texts))] == [reference(network, text, 20) for text in texts]
        assert sum(len(text) - done[n].remembered for n, text in enumerate(texts)) <= sum(read)
        return sum(read)

    first = rules + "who is it?"
    said = "".join(chr(10 * (VOCABULARY - 1) + int(n)) for n in reference(network, first, 20).split(",")[:-1])
    assert asked(first) == len(first)
    assert asked(first) < prefixes.BLOCK + 10
    assert asked(first + said + "why?") < 2 * prefixes.BLOCK
    assert asked(*("x" * 100 + letter for letter in "abc"), *(rules + letter * 40 for letter in "defghi")) < 1_000
    assert asked(rules[:-1] + "?") < 2 * prefixes.BLOCK
    assert asked(rules[:-1] + "?", owner="bank") == len(rules)


def test_only_the_culprit_fails():
    """A prompt that the network fails on is answered so; its neighbours have their texts."""

    def guard(ids):
        if (ids == POISON).any():
            raise RuntimeError("canary")

    made = engine(Opening(guard))
    for ticket, text in enumerate(("aa", "b!", "cc", "dd", "!")):
        made.submit(ticket, prompt(text))
    done = finish(made, 5)
    assert {n: each.answer.code for n, each in done.items()} == {
        0: None,
        1: Code.MODEL_FAILED,
        2: None,
        3: None,
        4: Code.MODEL_FAILED,
    }
    assert done[1].answer.reason == "RuntimeError"


def test_an_answer_that_cannot_be_spelt_fails_alone(monkeypatch):
    """A tokenizer that raises on one answer does not end the others."""
    made = engine()
    spell = made._state.endings._spell

    def fail(ids):
        if len(ids) == 3:
            raise RuntimeError("canary")
        return spell(ids)

    monkeypatch.setattr(made._state.endings, "_spell", fail)
    made.submit(1, prompt("abc", 3))
    made.submit(2, prompt("abc", 4))
    done = finish(made, 2)
    assert (done[1].answer.code, done[1].answer.reason) == (Code.MODEL_FAILED, "RuntimeError")
    assert done[2].answer.text


def test_a_batch_that_memory_does_not_hold_shrinks():
    """Everybody is answered, and the capacity says what fits from then on."""
    ready = []

    def guard(ids):
        if ready and (ids.shape[0] > 2 or ids.numel() > 200):
            raise torch.OutOfMemoryError("canary")

    made = engine(Opening(guard))
    ready.append(True)
    for ticket in range(9):
        made.submit(ticket, prompt("a" * (400 if ticket == 4 else 5)))
    done = finish(made, 9)
    assert {each.answer.code for each in done.values()} == {None}
    assert made.capacity.slots == 2


def test_one_prompt_that_memory_does_not_hold_fails_alone():
    """A row that does not fit even by itself is told so."""
    ready = []

    def guard(ids):
        if ready:
            raise torch.OutOfMemoryError("canary")

    made = engine(Opening(guard))
    ready.append(True)
    made.submit(1, prompt("abc"))
    assert finish(made, 1)[1].answer.code is Code.MODEL_FAILED


def test_a_row_stops_at_its_deadline():
    """A row that is late ends in the middle of its answer; the others go on."""
    now = [0.0]
    made = engine(clock=lambda: now[0])
    made.submit(1, prompt("abc", 100, until=5.0))
    made.submit(2, prompt("abc", 20))
    made.step()
    now[0] = 6.0
    done = finish(made, 2)
    assert done[1].answer.code is Code.DEADLINE_EXCEEDED
    assert 0 < done[1].answer.completion_tokens < 100
    assert done[2].answer.completion_tokens == 20


def test_a_cancelled_row_stops_and_makes_room():
    """What waits takes the slot of what is cancelled."""
    made = engine(slots=1)
    made.submit(1, prompt("abc", 400))
    made.submit(2, prompt("def", 2))
    made.step()
    made.cancel(1)
    done = finish(made, 2)
    assert done[1].answer.code is Code.CANCELLED
    assert done[2].answer.text


def test_short_prompts_are_read_beside_a_long_one(monkeypatch):
    """A prompt of many pieces does not hold up those that came after it."""
    monkeypatch.setattr("models.generation.continuous._PIECE_TOKENS", {"cpu": 16})
    made = engine()
    made.submit(1, prompt("a" * 480, 1))
    made.submit(2, prompt("b", 1))
    order = []
    while len(order) < 2:
        order += [each.ticket for each in made.step()]
    assert order == [2, 1]


def test_a_seed_draws_the_same_text_in_any_company():
    """Sampling depends on the seed alone."""
    made = engine()
    wishes = {"temperature": 0.9, "top_p": 0.8}
    made.submit(1, prompt("abc", 12, seed=7, **wishes))
    alone = finish(made, 1)[1].answer.text
    for ticket in range(1, 4):
        made.submit(ticket, prompt("abc", 12, seed=7 if ticket == 2 else ticket, **wishes))
    done = finish(made, 3)
    assert done[2].answer.text == alone
    assert len({each.answer.text for each in done.values()}) > 1


def test_a_model_that_remembers_otherwise_is_refused():
    """A network whose layers keep states cannot be served this way, and the error says what to set."""
    config = transformers.LlamaConfig(num_hidden_layers=2, layer_types=None)
    config.layer_types = ["linear_attention", "full_attention"]
    from models.generation.slots import Shape  # noqa: PLC0415 - beside what it is about

    with pytest.raises(ConfigError, match="linear_attention") as caught:
        Shape.of(config)
    assert caught.value.field == "WEIR_INFER_ENGINE"


class Rerun:
    """Records on any device: what is played is done again, into the same memory."""

    def __init__(self, fault=0.0):
        self._fault = fault

    def record(self, work):
        return Played(work, self._fault)


class Played:
    def __init__(self, work, fault):
        self._work = work
        self._fault = fault
        self.scores = work()

    def replay(self):
        self.scores.copy_(self._work() + self._fault)


def test_what_is_recorded_comes_to_the_same(monkeypatch):
    """Rows and widths are rounded up to what was recorded, and no answer changes by it."""
    monkeypatch.setattr("models.generation.recordings._FIRST_WIDTH", 32)
    made = engine(slots=6)
    assert made._state.passes.record(Rerun())
    torch.manual_seed(1)
    network = build()
    source = random.Random(8)
    asked = {n: ("abcdefgh"[n % 8] * source.choice((1, 20, 90)), source.choice((1, 4, 30))) for n in range(20)}
    for ticket, (text, tokens) in asked.items():
        made.submit(ticket, prompt(text, tokens))
    done = finish(made, len(asked))
    assert {n: done[n].answer.text for n in asked} == {n: reference(network, *asked[n]) for n in asked}


def test_recordings_that_come_to_something_else_are_not_used():
    """A recording is checked before anybody is answered with it."""
    made = engine()
    assert not made._state.passes.record(Rerun(fault=torch.arange(VOCABULARY) * 1.0))
    made.submit(1, prompt("abc", 5))
    torch.manual_seed(1)
    assert finish(made, 1)[1].answer.text == reference(build(), "abc", 5)
