"""Batches that fail, in halves, until the culprit is alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from models.generation.generator import Answer
from schemas.errors import Code

Item = TypeVar("Item")


def answer_each(run: Callable[[Sequence[Item]], Sequence[Answer]], items: Sequence[Item]) -> list[Answer]:
    """What ``run`` answers; if it raises, what it answers to each half. One that fails alone is ``MODEL_FAILED``.

    Memory that does not suffice for all may suffice for half.
    """
    try:
        return list(run(items))
    except Exception as error:  # noqa: BLE001 - a model may raise anything; the type only, its text may quote the prompt
        if len(items) == 1:
            return [Answer(code=Code.MODEL_FAILED, reason=type(error).__name__)]
    middle = len(items) // 2  # outside the handler: its traceback holds on to the memory that was short
    return answer_each(run, items[:middle]) + answer_each(run, items[middle:])
