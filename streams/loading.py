"""The guard pipeline from the model files: explicit, slow, once a process."""

from pathlib import Path

from guards.pipeline import Pipeline
from guards.registry import Parts, build_pipeline
from models.bundle import load_bundle


def load_pipeline(models: Path, threads: int) -> Pipeline:
    """A pipeline of every guard over the models in a folder. Takes a second or two: call it off the event loop.

    Raises:
        ConfigError: ``MODEL_MISSING`` or ``MODEL_CORRUPT``, naming the command that mends it.
    """
    bundle = load_bundle(models, threads)
    return build_pipeline(Parts(bundle.encoder, bundle.toxicity, bundle.injection))
