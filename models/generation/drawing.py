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
    tokens: list[int | None] = [
        token if math.isfinite(score) else None
        for token, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    chance = [place for place, source in enumerate(sources) if source is not None and tokens[place] is not None]
    if chance:
        drawn = _sample(scores[chance], [prompts[place] for place in chance], [sources[place] for place in chance])
        for place, token in zip(chance, drawn, strict=True):
            tokens[place] = token
    return tokens


def _sample(scores: torch.Tensor, prompts: Sequence[Prompt], sources: Sequence[torch.Generator | None]) -> list[int]:
    """One token of each row, by one number from the row's own source: what runs beside it does not matter."""
    device = scores.device
    temperatures = torch.tensor([prompt.temperature for prompt in prompts], device=device)[:, None]
    shares_kept = torch.tensor([prompt.top_p for prompt in prompts], device=device)[:, None]
    luck = torch.stack([torch.rand(1, generator=source) for source in sources]).to(device)
    ranked = scores.sort(descending=True, stable=True)
    # The best score is taken off first: at a temperature near 0 the others then vanish instead of overflowing.
    shares = ((ranked.values - ranked.values[:, :1]) / temperatures).softmax(dim=-1)
    before = shares.cumsum(dim=-1) - shares
    kept = shares.masked_fill(before >= shares_kept, 0.0).cumsum(dim=-1)
    # The first whose sum is beyond the luck; never past the last that is kept, where rounding might lead.
    places = torch.searchsorted(kept, luck * kept[:, -1:], right=True)
    last = (before < shares_kept).sum(dim=-1, keepdim=True) - 1
    return [int(token) for token in ranked.indices.gather(1, torch.minimum(places, last))[:, 0].tolist()]
