"""Everything loaded: one frozen record that a process makes once, off its event loop, and shares."""

from dataclasses import dataclass
from pathlib import Path

from models.encoder import OnnxEncoder, TextEncoder
from models.heads import INJECTION, TOXICITY, MlpHead, load_packaged_head
from models.languages import LanguageModel


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """The encoder and the heads on top of it, loaded and verified. Every part is thread-safe."""

    encoder: TextEncoder
    toxicity: MlpHead
    injection: MlpHead
    languages: LanguageModel

    @property
    def versions(self) -> tuple[str, ...]:
        """``name@version#hash`` of every part, as verdicts record them."""
        return (self.encoder.version, self.toxicity.version, self.injection.version, self.languages.version)


def load_bundle(directory: Path, threads: int = 1) -> ModelBundle:
    """Load the default models from ``directory``; blocks for about a second.

    Raises ConfigError: MODEL_MISSING, whose message names the command that fetches, or MODEL_CORRUPT.
    """
    encoder = OnnxEncoder(directory, threads=threads)
    encoder.load()
    languages = LanguageModel()
    languages.load()
    return ModelBundle(encoder, load_packaged_head(TOXICITY), load_packaged_head(INJECTION), languages)
