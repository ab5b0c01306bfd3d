"""What is at fault, in words of JSON and YAML: whoever sends a list need not know that it becomes a tuple."""

from collections.abc import Mapping
from typing import Any, Final

_LIST, _OBJECT = "Input should be a list", "Input should be an object"
_WORDS: Final[Mapping[str, str]] = {
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}


def wording(fault: Mapping[str, Any]) -> str:
    """The message of one of pydantic's faults."""
    return _WORDS.get(fault["type"]) or str(fault["msg"])
