"""A short run of the fuzzer with every test, and what once failed; `make fuzz` has longer ones."""

import pytest

from tests.fuzz.__main__ import fuzz, seeds
from tests.fuzz.targets import TARGETS

NAMES = [pytest.param(name, marks=[pytest.mark.weights] if name == "windows" else []) for name in TARGETS]


@pytest.fixture
def target(name, request):
    """The target; the one for windows needs the encoder's own tokenizer."""
    if name == "windows":
        request.getfixturevalue("models_dir")
    return TARGETS[name]()


@pytest.mark.parametrize("name", NAMES)
def test_what_once_failed_does_not_fail_again(name, target):
    """Every seed goes through, or is refused by name."""
    for data in seeds(name):
        target(data)


@pytest.mark.parametrize("name", NAMES)
def test_no_input_raises_what_it_should_not(name, target):
    """A few hundred inputs, always the same; fewer where one takes long."""
    inputs = {"codec": 300, "front": 300, "windows": 100}.get(name, 30)
    assert fuzz(target, seeds(name), inputs, seed=7) == {}
