"""Passes through the network: pieces of prompts, and one token more for every row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from transformers import PreTrainedModel

from models.generation.recordings import Recorder, Recordings
from models.generation.slots import Aim, SlotCache, Windows

_CLOSE: Final = 0.05  # of the largest score: what half precision makes of another order of sums
_COLUMNS_AT_ONCE: Final = 64  # masks and views grow by so many: kernels like round numbers


@dataclass(frozen=True, slots=True)
class Piece:
    """Ids that the row in ``slot`` reads next, from column ``start`` on."""

    slot: int
    start: int
    ids: Sequence[int] = field(repr=False)

    @property
    def end(self) -> int:
        """The column after the last."""
        return self.start + len(self.ids)


class Passes:
    """One network with its memory. What a pass returns is on the network's device: the scores of each row's last id."""

    def __init__(self, network: PreTrainedModel, cache: SlotCache) -> None:
        self._network = network
        self._cache = cache
        self._windows = Windows(network.config)
        self._recordings: Recordings | None = None

    def read(self, pieces: Sequence[Piece]) -> torch.Tensor:
        """Read pieces of prompts; the scores (rows by vocabulary) after the last id of each. Doing it again is legal.

        They are padded on the left. What padding leaves behind is put into the column that nobody reads.
        """
        longest = max(len(piece.ids) for piece in pieces)
        ids = torch.zeros(len(pieces), longest, dtype=torch.long)
        positions = torch.zeros_like(ids)
        columns = torch.full_like(ids, self._cache.columns)
        for place, piece in enumerate(pieces):
            own = slice(longest - len(piece.ids), None)
            ids[place, own] = torch.tensor(piece.ids)
            positions[place, own] = torch.arange(piece.start, piece.end)
            columns[place, own] = positions[place, own]
        device = self._network.device
        slots = torch.tensor([piece.slot for piece in pieces], device=device)
        width = self._width(max(piece.end for piece in pieces))
        aim = Aim(slots[:, None], columns.to(device), slots, width)
        return self._run(ids.to(device), positions.to(device), aim)

    @torch.inference_mode()
    def record(self, recorder: Recorder) -> bool:
        """Record what ``extend`` does; whether it can be, and what is played comes to the same."""
        recordings = Recordings(self._run, recorder, self._cache)
        try:
            recordings.make()
            pieces = [Piece(slot, 0, (1, 2, 3 + slot)) for slot in range(min(2, self._cache.slots))]
            self.read(pieces)
            slots, ids, starts = range(len(pieces)), [4] * len(pieces), [3] * len(pieces)
            plain = self.extend(slots, ids, starts)
            same = torch.allclose(
                plain, recordings.play(ids, starts), rtol=_CLOSE, atol=_CLOSE * float(plain.abs().max())
            )
        except RuntimeError:  # a network that waits for the GPU somewhere; without recordings it is merely slower
            same = False
        self._recordings = recordings if same else None
        return same

    def extend(self, slots: range, ids: Sequence[int], starts: Sequence[int]) -> torch.Tensor:
        """Read one id more in each of these neighbouring slots; the scores after it. Doing it again is legal."""
        if self._recordings is not None and slots.start == 0:
            return self._recordings.play(ids, starts)
        device = self._network.device
        positions = torch.tensor(starts, device=device)[:, None]
        rows = torch.arange(slots.start, slots.stop, device=device)[:, None]
        aim = Aim(rows, positions, slice(slots.start, slots.stop), self._width(max(starts) + 1))
        return self._run(torch.tensor(ids, device=device)[:, None], positions, aim)

    def _width(self, columns: int) -> int:
        return min(-(-columns // _COLUMNS_AT_ONCE) * _COLUMNS_AT_ONCE, self._cache.columns)

    def _run(self, ids: torch.Tensor, positions: torch.Tensor, aim: Aim) -> torch.Tensor:
        self._cache.aim = aim
        made = self._network(
            input_ids=ids,
            attention_mask=self._windows.masks(positions, aim.width),
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        scores: torch.Tensor = made.logits[:, -1].float()
        return scores
