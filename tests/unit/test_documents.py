import json
from pathlib import Path

import pytest
import yaml

from schemas.topics import TOPICS, Namespace
from streams.documents.everything import documents

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generated():
    return documents()


def test_generated_documents_are_current(generated):
    """What `make docs` writes is what is committed."""
    changed = [name for name, text in generated.items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert changed == [], "run `make docs`"


def test_asyncapi_names_every_topic(generated):
    """Every topic is a channel, and every reference leads somewhere."""
    document = yaml.safe_load(generated["asyncapi.yaml"])
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {Namespace().of(topic) for topic in TOPICS}
    for reference in _references(document):
        if reference.startswith("#/"):
            node = document
            for part in reference[2:].split("/"):
                node = node[part]
        else:
            assert json.loads((DOCS / reference).read_text())["$schema"]


def test_every_package_of_the_loops_has_a_place():
    """A newcomer finds what each package of `streams` is for."""
    table = (DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("What stands where")[2]
    packages = {path.parent.name for path in (DOCS.parent / "streams").glob("*/__init__.py")}
    assert not {name for name in packages if f"`{name}`" not in table.partition("## Habits")[0]}


def _references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "$ref" else _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
