"""The pages of records and of the policy, from their JSON Schemas."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.asyncapi import json_schemas
from streams.documents.markdown import prose, table

Schema = Mapping[str, Any]

_LIMITS = {
    "minimum": "≥ {}", "maximum": "≤ {}", "exclusiveMinimum": "> {}", "exclusiveMaximum": "< {}",
    "minLength": "{} characters or more", "maxLength": "{} characters at most",
    "minItems": "{} or more", "maxItems": "{} at most", "pattern": "matches `{}`",
}  # fmt: skip


def records_page() -> str:
    """Every record that is on a topic or sent to a webhook."""
    schemas = {name: schema for name, schema in json_schemas().items() if name != "policy"}
    lines = [
        "# Records",
        "",
        (
            "Made from `schemas` by `make docs`. What is on the [topics](../topics.md), field by field; the JSON "
            "Schemas beside each are for machines. A field that is not required may be left out or null; fields that "
            "are not named here are ignored, so that a newer sender is understood."
        ),
    ]
    for name, schema in sorted(schemas.items()):
        lines += ["", f"## {schema['title']}", "", f"JSON Schema: [{name}.json](../schemas/{name}.json)", ""]
        lines += _object(schema, schema.get("$defs", {}))
    shared = {title: schema for each in schemas.values() for title, schema in each.get("$defs", {}).items()}
    titles = {schema["title"] for schema in schemas.values()}
    for title, schema in sorted(shared.items()):
        if title not in titles and "properties" in schema:
            lines += ["", f"## {title}", "", *_object(schema, shared)]
    return "\n".join([*lines, ""])


def policy_page() -> str:
    """Every key of a policy with its type and default."""
    schema = json_schemas()["policy"]
    lines = [
        "# Policy keys",
        "",
        (
            "Made from `schemas/policy.py` by `make docs`. What the keys mean and how versions are rolled out is told"
            " in [Policies](../policies.md); editors check a file against [policy.json](../schemas/policy.json). A "
            "key that is not here is refused with its file and line."
        ),
        "",
        *_object(schema, schema["$defs"]),
    ]
    for title, part in sorted(schema["$defs"].items()):
        if "properties" in part:
            lines += ["", f"## {title.lstrip('_')}", "", *_object(part, schema["$defs"])]
    return "\n".join([*lines, ""])


def _object(schema: Schema, shared: Schema) -> list[str]:
    required = set(schema.get("required", ()))
    rows = (
        (
            f"`{name}`",
            _type(field, shared),
            "required" if name in required else _shown(field.get("default")),
            "; ".join(note for note in (prose(field.get("description")), *dict.fromkeys(_limits(field))) if note),
        )
        for name, field in schema.get("properties", {}).items()
    )
    text = prose(schema.get("description"))
    return [*([text, ""] if text else []), *table(("Field", "Type", "Default", "Notes"), rows)]


def _shown(default: object) -> str:
    if default is None or default in ({}, []):
        return ""
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _limits(field: Schema) -> Iterator[str]:
    for key, words in _LIMITS.items():
        if key in field:
            yield "not empty" if key in {"minLength", "minItems"} and field[key] == 1 else words.format(field[key])
    for inner in field.get("anyOf", ()):
        yield from _limits(inner)


def _type(field: Schema, shared: Schema) -> str:  # noqa: PLR0911 - a line a kind of type
    match field:
        case {"$ref": reference}:
            title = reference.rsplit("/", 1)[-1]
            if "properties" not in shared[title]:
                return _type(shared[title], shared)
            return f"[{title.lstrip('_')}](#{title.lstrip('_').lower()})"
        case {"anyOf": options} | {"oneOf": options}:
            return " or ".join(dict.fromkeys(_type(each, shared) for each in options if each.get("type") != "null"))
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_type(items, shared)}"
        case {"type": "object", "additionalProperties": dict() as values}:
            return f"map to {_type(values, shared)}"
        case {"type": kind, "format": shape}:
            return f"{kind} ({shape})"
        case {"type": kind}:
            return str(kind)
        case _:
            return "anything"
