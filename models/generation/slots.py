"""What a model remembers of rows that come and go: keys and values in slots of one block of memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers import Cache, PreTrainedConfig, PreTrainedModel

from schemas.errors import ConfigError

_FULL: Final = "full_attention"
_SLIDING: Final = "sliding_attention"


@dataclass(frozen=True, slots=True)
class Shape:
    """The memory of one token: in each of ``layers`` a key and a value of ``heads`` by ``width`` numbers."""

    layers: int
    heads: int
    width: int

    @classmethod
    def of(cls, config: PreTrainedConfig) -> "Shape":
        """The shape for a model.

        Raises:
            ConfigError: its layers remember in other ways (states, latents, chunks): serve it in static batches.
        """
        kinds = set(getattr(config, "layer_types", None) or (_FULL,))
        odd = kinds - {_FULL, _SLIDING}
        if odd or getattr(config, "kv_lora_rank", None) or not hasattr(config, "num_attention_heads"):
            what = min(odd, default="such attention")
            raise ConfigError(f"models with {what} can only be served in static batches", field="WEIR_INFER_ENGINE")
        heads = config.num_attention_heads
        return cls(
            layers=config.num_hidden_layers,
            heads=getattr(config, "num_key_value_heads", None) or heads,
            width=getattr(config, "head_dim", None) or config.hidden_size // heads,
        )

    def token_bytes(self, dtype: torch.dtype) -> int:
        """Bytes that one token takes."""
        return 2 * self.layers * self.heads * self.width * dtype.itemsize


@dataclass(frozen=True, slots=True)
class Aim:
    """Where the next pass writes and reads.

    ``rows`` (n by 1) and ``columns`` (n by tokens) are written, ``seen`` of all rows, up to ``width`` columns, is read.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    seen: slice | torch.Tensor
    width: int


class SlotCache(Cache):  # type: ignore[misc]  # Transformers publishes no types
    """Keys and values of ``slots`` rows of up to ``columns`` tokens, and one column more for padding to be put in.

    Zeroes to begin with, for what is masked is multiplied by nought, and nought times not-a-number is none. On a CPU
    memory that was never written is not taken from the system.
    """

    def __init__(self, model: PreTrainedModel, slots: int, columns: int) -> None:
        super().__init__(layers=[])
        shape = Shape.of(model.config)
        self.slots = slots
        self.columns = columns
        self.device = model.device
        self._store = torch.zeros(
            (shape.layers, 2, slots, columns + 1, shape.heads, shape.width), dtype=model.dtype, device=model.device
        )
        self.aim: Aim | None = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any) -> Any:  # noqa: ANN401 - the base class's signature
        """Write what one layer has made of the new tokens, and give it all that it has of the rows aimed at."""
        aim = self.aim
        assert aim is not None
        keys, values = self._store[layer_idx]
        keys[aim.rows, aim.columns] = key_states.transpose(1, 2)
        values[aim.rows, aim.columns] = value_states.transpose(1, 2)
        return keys[aim.seen, : aim.width].transpose(1, 2), values[aim.seen, : aim.width].transpose(1, 2)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - the base class has it
        """Nought: positions and masks are always given to the model."""
        return 0

    def move(self, source: int, target: int, tokens: int) -> None:
        """Put a row into another slot."""
        self._store[:, :, target, :tokens] = self._store[:, :, source, :tokens]


class Windows:
    """Which columns a query sees: all up to its own or, in layers that slide, the last few of them."""

    def __init__(self, config: PreTrainedConfig) -> None:
        kinds: Sequence[str] = getattr(config, "layer_types", None) or ()
        self._by_kind = len(set(kinds)) > 1
        slides = _SLIDING in kinds or not kinds
        self._sliding: int | None = getattr(config, "sliding_window", None) if slides else None

    def masks(self, positions: torch.Tensor, width: int) -> torch.Tensor | dict[str, torch.Tensor]:
        """The mask for queries at these positions (n by tokens): one for all layers, or one for each kind of them."""
        columns = torch.arange(width, device=positions.device)
        queries = positions[:, None, :, None]
        full = columns <= queries
        if self._sliding is None:
            return full
        sliding = full & (columns > queries - self._sliding)
        return {_FULL: full, _SLIDING: sliding} if self._by_kind else sliding
