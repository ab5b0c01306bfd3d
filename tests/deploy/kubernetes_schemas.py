"""JSON Schemas for kubeconform, from Kubernetes' own OpenAPI document and the operators' custom resources."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.tools import CACHE, KUBERNETES, module_directory

CUSTOM = {
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases/*.yaml",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd/*.yaml",
}
_PREFIX = "#/definitions/"
_INT_OR_STRING = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity"}


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without the value type of `=`: the operators' files have it as a plain string."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def custom_resource_files() -> Iterator[Path]:
    """The files that define what KEDA and Prometheus' operator add to Kubernetes."""
    for module, pattern in CUSTOM.items():
        yield from sorted(module_directory(module).glob(pattern))


def schema_directory() -> Path:
    """A folder with a strict schema for every kind, made once."""
    directory = CACHE / f"schemas-{KUBERNETES}"
    if not directory.exists():
        making = directory.with_suffix(".part")
        making.mkdir(parents=True, exist_ok=True)
        for name, schema in (*_built_in(), *_custom()):
            (making / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
        making.rename(directory)
    return directory


def _built_in() -> Iterator[tuple[str, dict[str, Any]]]:
    path = module_directory(f"k8s.io/kubernetes@v{KUBERNETES}") / "api/openapi-spec/swagger.json"
    definitions = json.loads(path.read_text(encoding="utf-8"))["definitions"]
    strict = {name: _strict(name, definition) for name, definition in definitions.items()}
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            group = kind["group"].split(".")[0]
            title = "-".join(filter(None, (kind["kind"].lower(), group, kind["version"])))
            needed = sorted(_needed(name, definitions))
            yield title, {"$ref": _PREFIX + name, "definitions": {each: strict[each] for each in needed}}


def _needed(name: str, definitions: dict[str, Any]) -> set[str]:
    found, open_ = set(), [name]
    while open_:
        current = open_.pop()
        if current not in found:
            found.add(current)
            text = json.dumps(definitions[current])
            open_ += [part.split('"')[0] for part in text.split(f'"$ref": "{_PREFIX}')[1:]]
    return found


def _strict(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    if name in _INT_OR_STRING:
        return {"type": ["string", "integer", "number"]}
    if "properties" in definition:
        return {"additionalProperties": False, **definition}
    return definition


def _custom() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in custom_resource_files():
        for document in yaml.load_all(path.read_text(encoding="utf-8"), _Loader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            spec = document["spec"]
            for version in spec["versions"]:
                group = spec["group"].split(".")[0]
                schema = _closed(version["schema"]["openAPIV3Schema"], top=True)
                yield f"{spec['names']['kind'].lower()}-{group}-{version['name']}", schema


def _closed(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """The schema with unknown fields refused, as the API server would prune them."""
    closed = dict(schema)
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    if "properties" in schema:
        closed["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if top:
            closed["properties"]["metadata"] = {"type": "object"}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    if isinstance(schema.get("items"), dict):
        closed["items"] = _closed(schema["items"])
    return closed
