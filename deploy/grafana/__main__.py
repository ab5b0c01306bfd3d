"""Write every dashboard's JSON: ``python -m deploy.grafana [DIRECTORY]``."""

import sys
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.boards import BOARDS


def dashboards() -> Mapping[str, str]:
    """The JSON of every dashboard, by the name of its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return {f"{board.uid.removeprefix('weir-')}.json": encoder.encode(board.build()) + "\n" for board in BOARDS}


def main(directory: Path) -> None:
    """Write them, and remove what no board stands for any more."""
    texts = dashboards()
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
