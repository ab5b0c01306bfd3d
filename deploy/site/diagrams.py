"""Diagrams are code: ``python -m deploy.site.diagrams docs/diagrams`` draws those whose source has changed.

Graphviz draws, so that a page shows them anywhere, without a script. Every picture names the digest of its source.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

_STAMP: Final = re.compile(r"<!-- source: ([0-9a-f]{64}) -->")


def digest(source: str) -> str:
    """What a picture says of the source that it was drawn from."""
    return hashlib.sha256(source.encode()).hexdigest()


def drawn_from(picture: str) -> str | None:
    """The digest of the source of a picture."""
    found = _STAMP.search(picture)
    return found[1] if found else None


def draw(source: str) -> str:
    """The picture, as SVG that fits its page's width. Needs Graphviz (``apt-get install graphviz``)."""
    drawn = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, text=True, check=True).stdout
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r"<!-- .*? -->\n", "", svg)  # names of nodes once more
    return f"<!-- source: {digest(source)} -->\n{svg}"


def main(directory: Path) -> None:
    """Draw what has changed."""
    for path in sorted(directory.glob("*.dot")):
        source, picture = path.read_text(encoding="utf-8"), path.with_suffix(".svg")
        if not picture.exists() or drawn_from(picture.read_text(encoding="utf-8")) != digest(source):
            picture.write_text(draw(source), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
