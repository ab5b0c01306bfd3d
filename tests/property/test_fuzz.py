"""A short run of the fuzzer with every test, and what once failed; `make fuzz` has longer ones."""

import pytest

from tests.fuzz.__main__ import fuzz, seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_failed_does_not_fail_again(name):
    """Every seed goes through, or is refused by name."""
    target = TARGETS[name]()
    for data in seeds(name):
        target(data)


@pytest.mark.parametrize(("name", "inputs"), [("codec", 300), ("front", 300), ("policy", 30), ("masking", 30)])
def test_no_input_raises_what_it_should_not(name, inputs):
    """A few hundred inputs, always the same."""
    assert fuzz(TARGETS[name](), seeds(name), inputs, seed=7) == {}
