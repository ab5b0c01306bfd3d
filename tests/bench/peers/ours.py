"""Our side: ``python -m tests.bench.peers.ours CASE FOLDER``, in our own environment."""

import json
import sys
from pathlib import Path

from guards.exchange import Exchange
from guards.guard import Passage, Side
from guards.pii import PiiGuard
from guards.pipeline import Case
from schemas.conversation import Message
from schemas.policy import Policy
from streams.judging.loading import load_pipeline
from streams.policies.files import shipped_policy
from streams.settings import load_settings
from tests.bench.peers import timing


def _checkpoint(folder: Path) -> Path:
    """A checkpoint in Detoxify's format of the RoBERTa that the others run, with the same weights."""
    import torch  # noqa: PLC0415 - only this case needs it
    from transformers import RobertaForSequenceClassification, RobertaTokenizer  # noqa: PLC0415

    from models.detoxify_checkpoint import write_checkpoint  # noqa: PLC0415

    torch.set_num_threads(1)
    home = folder / "roberta"
    path = folder / "roberta-detoxify" / "model.ckpt"
    if not path.exists():
        labels = list(json.loads((home / "config.json").read_text())["label2id"])
        bpe = json.loads((home / "tokenizer.json").read_text())["model"]
        merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in bpe["merges"]]
        tokenizer = RobertaTokenizer(vocab=bpe["vocab"], merges=merges)
        network = RobertaForSequenceClassification.from_pretrained(home)
        network.resize_token_embeddings(len(tokenizer))  # only a table: what is computed stays
        write_checkpoint(path, network, tokenizer, labels)
    return path


def toxicity(folder):
    """Both sides through the path of Detoxify's models: windows, sorted by length, in batches, full precision."""
    from models.detoxify_model import DetoxifyModel  # noqa: PLC0415 - imports torch

    model = DetoxifyModel(str(_checkpoint(folder)), folder, threads=1, device="cpu")
    model.load()
    return lambda pairs: model.score([text for pair in pairs for text in pair]), True


def pipeline(_, policy: Policy | None = None):
    """All guards of the default policy, both sides."""
    made = load_pipeline(load_settings())
    chosen = policy or shipped_policy()

    def judge(pairs):
        exchanges = [Exchange(prompt=(Message(role="user", content=prompt),), response=said) for prompt, said in pairs]
        made.judge([Case(exchange, chosen) for exchange in exchanges])

    return judge, True


def personal_data(_):
    """Patterns for personal data on both sides, one text at a time."""
    guard = PiiGuard()
    guard.load()
    return lambda pairs: [guard.read([Passage(text, Side.PROMPT)], {}) for pair in pairs for text in pair], False


CASES = {
    "ours: toxicity, RoBERTa-base": toxicity,
    "ours: pipeline, every guard, default models": pipeline,
    "ours: personal data, patterns": personal_data,
}

if __name__ == "__main__":
    timing.run(CASES, sys.argv[1], Path(sys.argv[2]).resolve())
