"""Which token comes next."""

import math
from collections.abc import Sequence

import torch

from models.generation.generator import Prompt

_SEEDS = 2**63


def random_source(prompt: Prompt) -> torch.Generator | None:
    """What the tokens of an answer are drawn with, always on the CPU; None where the likeliest is taken."""
    if prompt.temperature <= 0:
        return None
    return torch.Generator().manual_seed(prompt.seed % _SEEDS)


def draw(
    scores: torch.Tensor, prompts: Sequence[Prompt], sources: Sequence[torch.Generator | None]
) -> list[int | None]:
    """The next token of each row of ``scores`` (rows by vocabulary); None where the model made no numbers."""
    best = scores.max(dim=-1)
    tokens: list[int | None] = []
    for row, (token, score) in enumerate(zip(best.indices.tolist(), best.values.tolist(), strict=True)):
        source = sources[row]
        if not math.isfinite(score):
            tokens.append(None)
        elif source is None:
            tokens.append(token)
        else:
            tokens.append(_sample(scores[row].cpu(), prompts[row], source))
    return tokens


def _sample(scores: torch.Tensor, prompt: Prompt, source: torch.Generator) -> int:
    ranked = scores.sort(descending=True, stable=True)
    # The best score is taken off first: at a temperature near 0 the others then vanish instead of overflowing.
    shares = ((ranked.values - ranked.values[0]) / prompt.temperature).softmax(dim=-1)
    before = shares.cumsum(dim=-1) - shares
    kept = shares.masked_fill(before >= prompt.top_p, 0.0)
    return int(ranked.indices[torch.multinomial(kept, 1, generator=source)])
