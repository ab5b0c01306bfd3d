"""The documentation as a site."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.site.diagrams import digest, drawn_from
from deploy.site.links import for_site, targets

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "site" / "mkdocs.yml"
DIAGRAMS = sorted((ROOT / "docs" / "diagrams").glob("*.dot"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; no proxy answers, so that nothing could be fetched."""
    directory = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NO_MKDOCS_2_WARNING": "1",
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(CONFIG)]
    command += ["--site-dir", str(directory)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_the_site_is_built_without_a_warning(site):
    """Every page of docs/ is in it, and those of the repository's top; links and anchors lead somewhere."""
    for path in (*(ROOT / "docs").rglob("*.md"), Path("security.md"), Path("changelog.md"), Path("start.md")):
        place = path.relative_to(ROOT / "docs") if path.is_absolute() else path
        name = "index.html" if place.name == "README.md" else place.with_suffix(".html").name
        assert (site / place.parent / name).stat().st_size


def test_the_site_fetches_nothing_from_elsewhere(site):
    """Scripts, styles, fonts and pictures are its own."""
    pages = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    fetched = [
        tag for page in pages for tag in re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"[^\"]*", page)
    ]
    assert len(fetched) > len(pages)
    assert [address for address in fetched if "//" in address] == []


@pytest.mark.parametrize(
    ("link", "source", "page", "expected"),
    [
        ("[a](other.md#x)", "docs/b.md", "b.md", "[a](other.md#x)"),
        ("[a](../SECURITY.md)", "docs/b.md", "b.md", "[a](security.md)"),
        ("[a](../../README.md#ask)", "docs/quickstarts/README.md", "quickstarts/README.md", "[a](../start.md#ask)"),
        ("![a](docs/flow.svg)", "README.md", "start.md", "![a](flow.svg)"),
        ("[a](../deploy/chart/values.yaml)", "docs/b.md", "b.md", "[a](files/deploy/chart/values.yaml.md)"),
        ("[the chart](../deploy/chart)", "docs/b.md", "b.md", "the chart"),
        ("[a](../nowhere.md)", "docs/b.md", "b.md", "[a](files/nowhere.md.md)"),  # mkdocs finds that it is not there
        ("[a](https://x.org/b.md) [c](#d)", "docs/b.md", "b.md", "[a](https://x.org/b.md) [c](#d)"),
        ("```\n[a](../SECURITY.md)\n```", "docs/b.md", "b.md", "```\n[a](../SECURITY.md)\n```"),
    ],
)
def test_links_lead_on_within_the_site(link, source, page, expected):
    """What leads to a file of the repository leads to a page of the site; code is left alone."""
    assert for_site(link, source, page, lambda path: (ROOT / path).is_dir()) == expected


def test_what_a_page_leads_to_is_known():
    """Targets are paths from the top of the repository, each once."""
    assert targets("[a](../x.yaml) [b](../x.yaml#c) [d](e.md)", "docs/p.md") == ("x.yaml", "docs/e.md")


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_picture_is_drawn_from_its_source(path):
    """Every diagram is what its source says: `make docs` draws it."""
    assert drawn_from(path.with_suffix(".svg").read_text()) == digest(path.read_text())
