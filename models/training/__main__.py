"""Train what Weir ships: ``python -m models.training (toxicity|injection|ranges) --data DIR --models DIR``."""

import argparse
import sys
from pathlib import Path

from safetensors.numpy import load_file

from models.catalog import find_entry, weights_folder
from models.encoder import OnnxEncoder
from models.onnx_engine import MODEL, TOKENIZER_FILE
from models.ranges import save_ranges
from models.store import RANGES_FILE, require
from models.training.calibration import measure_ranges
from models.training.corpus import read_injection, read_toxicity, share_of
from models.training.session import describe, fit, gather, write
from models.training.tasks import TASKS
from models.windows import WindowTokenizer

CALIBRATION_TEXTS = 1000


def main(arguments: list[str]) -> None:
    """Run one training and print the lines that belong in the catalog."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("task", choices=[*TASKS, "ranges"], help="what to train")
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data")
    parser.add_argument("--models", type=Path, required=True, help="folder of the fetched models")
    parser.add_argument("--out", type=Path, default=weights_folder(), help="where weights and card go")
    parser.add_argument("--features", type=Path, default=Path("build/features"), help="where features are kept")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args(arguments)
    if chosen.task == "ranges":
        _ranges(chosen.data, chosen.models, chosen.out)
        return
    task = TASKS[chosen.task]
    encoder = OnnxEncoder(chosen.models, threads=chosen.threads, cache_windows=0)
    encoder.load()
    data = gather(task, chosen.data, encoder, chosen.features)
    weights = fit(task, data)
    lines = write(task, weights, describe(task, data, weights, encoder.version), chosen.out)
    print("\n".join(lines))  # noqa: T201 - the command's output


def _ranges(data: Path, models: Path, out: Path) -> None:
    folder = require(find_entry(f"{MODEL}-full"), models)
    tokenizer = WindowTokenizer(folder / TOKENIZER_FILE)
    tokenizer.load()
    texts = [example.text for example in (*read_toxicity(data), *read_injection(data))]
    texts.sort(key=lambda text: share_of(text, "ranges"))
    texts = texts[:CALIBRATION_TEXTS]
    save_ranges(measure_ranges(load_file(folder / "model.safetensors"), tokenizer, texts), out / RANGES_FILE)


if __name__ == "__main__":
    main(sys.argv[1:])
