"""The parts of generation that need no model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.generation.choice import Wishes, choose_engine
from models.generation.generator import Answer
from models.generation.grouping import Extent, group
from models.generation.halving import answer_each
from models.generation.sources import FolderSource
from models.generation.stops import before_stop
from schemas.errors import Code, ConfigError


@given(st.lists(st.builds(Extent, st.integers(1, 9000), st.integers(1, 9000))), st.integers(1, 40_000))
def test_groups_hold_every_prompt_once_within_their_bound(extents, tokens):
    """No prompt is lost or doubled, and a group of several keeps to the bound and to similar lengths."""
    groups = list(group(extents, tokens))
    assert sorted(index for each in groups for index in each) == list(range(len(extents)))
    for each in groups:
        prompts, answers = zip(*((extents[i].prompt, extents[i].answer) for i in each), strict=True)
        assert len(each) == 1 or len(each) * (max(prompts) + max(answers)) <= tokens
        assert max(prompts) <= 2 * min(prompts) + 64


def test_prompts_of_one_kind_run_together():
    """Sixteen short prompts are one group; a long one among them is another."""
    extents = [Extent(30 + n, 200) for n in range(16)]
    assert len(list(group(extents, 32_768))) == 1
    assert list(group([*extents, Extent(4000, 200)], 32_768))[1] == (16,)


@given(st.sets(st.integers(0, 15)))
def test_only_the_culprits_of_a_batch_fail(culprits):
    """Whatever is wrong with some prompts, the others are answered, in order."""

    def run(items):
        if culprits & set(items):
            raise RuntimeError("canary")
        return [Answer(text=str(item)) for item in items]

    for item, answer in enumerate(answer_each(run, range(16))):
        if item in culprits:
            assert (answer.code, answer.reason) == (Code.MODEL_FAILED, "RuntimeError")
        else:
            assert answer.text == str(item)


def test_a_batch_that_does_not_fit_is_tried_in_halves():
    """What is too much at once is answered in parts."""
    sizes = []

    def run(items):
        sizes.append(len(items))
        if len(items) > 4:
            raise MemoryError
        return [Answer(text="") for _ in items]

    assert len(answer_each(run, range(16))) == 16
    assert sizes == [16, 8, 4, 4, 8, 4, 4]


@pytest.mark.parametrize(
    ("text", "stops", "before"),
    [
        ("one two three", ["two"], "one "),
        ("one two three", ["three", "two"], "one "),
        ("one", ["two"], None),
        ("one", [""], None),
        ("one", [], None),
        ("one", ["one"], ""),
    ],
)
def test_the_first_stop_counts(text, stops, before):
    """The text ends before the stop that comes first; without one nothing is cut."""
    assert before_stop(text, stops) == before


def test_a_model_for_something_else_is_named(tmp_path):
    """An encoder cannot answer."""
    with pytest.raises(ConfigError, match="encoder") as caught:
        choose_engine("minilm-l6", tmp_path, Wishes())
    assert caught.value.field == "minilm-l6"


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    """Without torch and transformers the error says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "models.generation.transformers_generator", None)
    with pytest.raises(ConfigError, match=r"weir\[infer\]"):
        choose_engine("smollm2-135m", tmp_path, Wishes())


def test_a_folder_without_a_model_is_named(tmp_path):
    """A folder has to hold a model's configuration."""
    with pytest.raises(ConfigError) as caught:
        FolderSource(tmp_path).locate()
    assert caught.value.code is Code.MODEL_MISSING
