import json
from pathlib import Path

import pytest
import yaml

from schemas.topics import TOPICS, Namespace
from streams.documents.everything import documents

DOCUMENTS = documents()
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_documents_are_current(name):
    """What `make docs` writes is what is committed."""
    assert (DOCS / name).read_text(encoding="utf-8") == DOCUMENTS[name], "run `make docs`"


def test_asyncapi_names_every_topic():
    """Every topic is a channel, and every reference leads somewhere."""
    document = yaml.safe_load(DOCUMENTS["asyncapi.yaml"])
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
