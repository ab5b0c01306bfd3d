"""Policies as YAML: every fault is named by file, line and key."""

import re
from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from typing import Any, Final

import yaml
from pydantic import ValidationError

from schemas.errors import Code, ConfigError
from schemas.policy import (
    SIDES_OF,
    Deadlines,
    Holds,
    Languages,
    Policy,
    Redaction,
    Replies,
    Retention,
    Rule,
    Steps,
    Subjects,
)
from schemas.recognizer import Recognizer
from schemas.sampling import Band, ReviewStratum, Sampling
from schemas.wording import wording

Path = tuple[str | int, ...]
_LINE_ENDS: Final = frozenset("\x85\u2028\u2029")
_SECTIONS: Final = (
    Policy,
    Rule,
    Steps,
    Languages,
    Sampling,
    ReviewStratum,
    Band,
    Deadlines,
    Holds,
    Redaction,
    Replies,
    Retention,
    Subjects,
    Recognizer,
)
_QUOTED: Final = re.compile("'([^']+)'")  # as pydantic lists what it expects
_KNOWN_KEYS: Final = sorted({name for model in _SECTIONS for name in model.model_fields} | set(SIDES_OF))


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys, which YAML would let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                break  # the base class says so, with the line
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def write_policy(values: Mapping[str, Any]) -> str:
    """A policy's values as YAML that ``parse_policy`` reads as the same values."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def parse_policy(text: str, file: str) -> Policy:
    """The policy in a YAML document.

    Raises:
        ConfigError: ``POLICY``, as ``file:line: key: problem``.
    """
    node, values = _load(text, file)
    if not isinstance(values, dict):
        raise _fault(file, 1, "", "a policy is a mapping of keys to values")
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        raise _first_fault(error, file, node) from None


def _load(text: str, file: str) -> tuple[yaml.Node | None, object]:
    """The document as nodes, which know their lines, and as values."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _fault(file, line, "", error.problem or "not YAML") from None
    except yaml.YAMLError:
        raise _fault(file, 1, "", "not YAML") from None


def _first_fault(error: ValidationError, file: str, node: yaml.Node | None) -> ConfigError:
    fault = min(error.errors(include_url=False, include_input=False), key=lambda fault: _line(node, _path(dict(fault))))
    path = _path(dict(fault))
    problem = wording(fault)
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(path[-1]), _KNOWN_KEYS, n=1, cutoff=0.75)
        problem = "no such key" + (f"; did you mean {near[0]}?" if near else "")
    elif fault["type"] == "literal_error" and fault["loc"][-1] == "[key]":
        near = get_close_matches(str(path[-1]), _QUOTED.findall(fault["ctx"]["expected"]), n=1, cutoff=0.75)
        problem += f"; did you mean {near[0]}?" if near else ""
    return _fault(file, _line(node, path), ".".join(map(str, path)), problem)


def _path(fault: dict[str, Any]) -> Path:
    # pydantic marks a mapping's key, as opposed to its value, with "[key]".
    location = tuple(part for part in fault["loc"] if part != "[key]")
    return location or tuple(fault.get("ctx", {}).get("place", ()))


def _line(node: yaml.Node | None, path: Path) -> int:
    """The line (from 1) of the deepest part of the path that the document has."""
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _fault(file: str, line: int, key: str, problem: str) -> ConfigError:
    where = f"{key}: " if key else ""
    return ConfigError(f"{file}:{line}: {where}{problem}", code=Code.POLICY)


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML would read back as the end of a line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _LINE_ENDS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)
