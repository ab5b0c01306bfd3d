"""What differs between two versions of a policy in what they do, key by key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.policy import Policy

_SIDES: Final = ("prompt", "response", "context")


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose value changes. None: it is not set, so that nothing happens by it."""

    key: str
    before: str | None
    after: str | None


def differences(before: Policy | None, after: Policy | None) -> Sequence[Difference]:
    """What changes from one version to the other, in the order of a policy's keys; the version's number is left out.

    Defaults count as if they were written out, so that a file that only says what holds anyway changes nothing.
    """
    old, new = _effective(before), _effective(after)
    keys = dict.fromkeys((*old, *new))
    found = [Difference(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
    return sorted(found, key=lambda each: _place(each.key))


def _place(key: str) -> tuple[int, list[str]]:
    """Where a key belongs: as a policy's own are ordered, the guards of a side together."""
    field, *rest = key.split(".")
    return list(Policy.model_fields).index(field), rest[:1]


def _effective(policy: Policy | None) -> Mapping[str, str]:
    """Every key that says something, dotted, with its value as text."""
    if policy is None:
        return {}
    values = policy.model_dump(mode="json", exclude={"id", "version"})
    for side in _SIDES:
        for guard, rule in policy.rules(side).items():
            values[side][guard]["on_error"] = str(rule.error_action)
    return dict(_leaves("", values))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        if value:
            yield path, ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value not in {None, ""}:
        yield path, f"{value:g}" if isinstance(value, float) else _printable(str(value))


def _printable(text: str) -> str:
    """The text; with what a terminal might obey, or what takes several lines, as JSON."""
    return text if text.isprintable() else json.dumps(text)
