"""Every generated file that needs nothing but the code: schemas, AsyncAPI, topics, settings, and the reference."""

import json
from collections.abc import Mapping
from importlib.metadata import version

import yaml
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from schemas.asyncapi import asyncapi, json_schemas, topics_page
from schemas.topics import Namespace
from streams.documents.commands import commands_page
from streams.documents.metrics import metrics_page
from streams.documents.records import policy_page, records_page
from streams.settings import PREFIX, Settings


def documents() -> Mapping[str, str]:
    """The text of every generated file, by its path inside ``docs/``."""
    namespace = Namespace()
    schemas = {f"schemas/{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in json_schemas().items()}
    return schemas | {
        "asyncapi.yaml": yaml.safe_dump(asyncapi(version("weir"), namespace), sort_keys=False, width=120),
        "topics.md": topics_page(namespace),
        "settings.md": settings_page(),
        "reference/commands.md": commands_page(),
        "reference/metrics.md": metrics_page(),
        "reference/policy.md": policy_page(),
        "reference/records.md": records_page(),
    }


def settings_page() -> str:
    """Every setting as a Markdown page."""
    lines = [
        "# Settings",
        "",
        (
            "Made from `streams/settings.py` by `make docs`. Set them in the environment or in a file `.env`; "
            "an unknown `WEIR_` variable or a wrong value stops the start and is named."
        ),
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "`~/.cache/weir`"
        elif isinstance(default, SecretStr):
            shown = "(secret)"
        else:
            shown = "" if default is None else f"`{default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description or ''} |")
    return "\n".join([*lines, ""])
