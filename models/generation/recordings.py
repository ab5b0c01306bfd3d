"""Passes recorded once and played again: on a GPU, CUDA graphs.

A small step of decoding is hundreds of short kernels: launching them from Python takes several times as long as they
do. Recorded, they are launched at once. Shapes are fixed in a recording, so there is one for each number of rows and
width, both rounded up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Protocol, TypeAlias

import torch

from models.generation.slots import Aim, SlotCache

Run: TypeAlias = Callable[[torch.Tensor, torch.Tensor, Aim], torch.Tensor]

_ROWS: Final = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_FIRST_WIDTH: Final = 256
_MADE_AT_ONCE: Final = 1024  # wider ones are made when they are needed


class Recorded(Protocol):
    """A pass that can be played: it reads its inputs again and overwrites ``scores``."""

    @property
    def scores(self) -> torch.Tensor: ...
    def replay(self) -> None: ...


class Recorder(Protocol):
    """Records passes on one device."""

    def record(self, work: Callable[[], torch.Tensor]) -> Recorded:
        """Do some work, and remember it. Raises RuntimeError: it cannot be recorded."""
        ...


@dataclass(frozen=True, slots=True)
class _CudaRecorded:
    graph: Any
    scores: torch.Tensor

    def replay(self) -> None:
        self.graph.replay()


class CudaRecorder:
    """Records on a GPU; all recordings share their memory for what is passing."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], torch.Tensor]) -> Recorded:
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call] # torch publishes no type for it
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):  # a first time outside of any recording, as CUDA asks for
            work()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            scores = work()
        return _CudaRecorded(graph, scores)


@dataclass(frozen=True, slots=True)
class _Recording:
    """``inputs`` are ids, positions and columns by row."""

    inputs: torch.Tensor
    recorded: Recorded


class Recordings:
    """One id more for each row from the first slot on."""

    def __init__(self, run: Run, recorder: Recorder, cache: SlotCache) -> None:
        self._run = run
        self._recorder = recorder
        self._slots = cache.slots
        self._columns = cache.columns
        self._device = cache.device
        self._made: dict[tuple[int, int], _Recording] = {}

    def make(self) -> None:
        """Record what is going to be needed soon. Raises RuntimeError: the network does what cannot be recorded."""
        rows = [count for count in _ROWS if count < self._slots]
        widths = {self._width(columns) for columns in range(1, min(self._columns, _MADE_AT_ONCE) + 1)}
        # The largest first: the others then fit into its memory.
        for count, width in product((self._slots, *reversed(rows)), sorted(widths, reverse=True)):
            self._recording(count, width)

    def play(self, ids: Sequence[int], starts: Sequence[int]) -> torch.Tensor:
        """The scores (rows by vocabulary) after these ids. They hold until the next call."""
        rows = next((count for count in _ROWS if len(ids) <= count < self._slots), self._slots)
        recording = self._recording(rows, self._width(max(starts) + 1))
        spare = rows - len(ids)
        values = [[*ids, *[0] * spare], [*starts, *[0] * spare], [*starts, *[self._columns] * spare]]
        recording.inputs.copy_(torch.tensor(values))
        recording.recorded.replay()
        return recording.recorded.scores[: len(ids)]

    def _width(self, columns: int) -> int:
        width = _FIRST_WIDTH
        while width < columns:
            width *= 2
        return min(width, self._columns)

    def _recording(self, rows: int, width: int) -> _Recording:
        made = self._made.get((rows, width))
        if made is None:
            made = self._made[rows, width] = self._record(rows, width)
        return made

    def _record(self, rows: int, width: int) -> _Recording:
        inputs = torch.zeros(3, rows, dtype=torch.long, device=self._device)
        inputs[2] = self._columns
        ids, positions, columns = inputs[:, :, None]
        aim = Aim(torch.arange(rows, device=self._device)[:, None], columns, slice(0, rows), width)
        return _Recording(inputs, self._recorder.record(lambda: self._run(ids, positions, aim)))
