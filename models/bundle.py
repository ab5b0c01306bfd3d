"""Everything loaded: one frozen record that a process makes once, off its event loop, and shares."""

from dataclasses import dataclass
from pathlib import Path

from models.encoder import OnnxEncoder, TextEncoder
from models.heads import INDIRECT, INJECTION, TOXICITY, MlpHead, load_packaged_head
from models.languages import LanguageModel
from models.tagger import OnnxTagger


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """The encoder, the heads on top of it and the tagger of personal data: loaded, verified, thread-safe."""

    encoder: TextEncoder
    toxicity: MlpHead
    injection: MlpHead
    indirect: MlpHead
    tagger: OnnxTagger
    languages: LanguageModel

    @property
    def versions(self) -> tuple[str, ...]:
        """``name@version#hash`` of every part, as verdicts record them."""
        parts = (self.encoder, self.toxicity, self.injection, self.indirect, self.tagger, self.languages)
        return tuple(part.version for part in parts)


def load_bundle(directory: Path, threads: int = 1, encoder: TextEncoder | None = None) -> ModelBundle:
    """Load the default models from ``directory``; blocks for about a second. ``encoder`` stands in for the int8 one.

    Raises ConfigError: MODEL_MISSING, whose message names the command that fetches, or MODEL_CORRUPT.
    """
    encoder = encoder or OnnxEncoder(directory, threads=threads)
    encoder.load()
    tagger = OnnxTagger(directory, threads=threads)
    tagger.load()
    languages = LanguageModel()
    languages.load()
    heads = load_packaged_head(TOXICITY), load_packaged_head(INJECTION), load_packaged_head(INDIRECT)
    return ModelBundle(encoder, *heads, tagger, languages)
