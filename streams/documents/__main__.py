"""Write every generated file under the directory: ``python -m streams.documents docs``."""

import sys
from pathlib import Path

from streams.documents.columns import columns_page, shipped_columns
from streams.documents.everything import documents


def main(directory: Path) -> None:
    """Write them all. The store's columns are asked of an engine, which runs meanwhile."""
    for name, text in {**documents(), "reference/columns.md": columns_page(shipped_columns())}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
