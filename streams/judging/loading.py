"""The guard pipeline from the model files: explicit, slow, once a process."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from guards.guard import Scorer
from guards.oversight import Oversight
from guards.pipeline import Pipeline
from guards.registry import Parts, build_pipeline
from models.bundle import ModelBundle, load_bundle
from models.encoder import TextEncoder
from schemas.errors import Code, ConfigError
from schemas.policy import Policy
from streams.judging.guard_watch import GuardWatch
from streams.metrics import Metrics
from streams.settings import Settings


def load_pipeline(settings: Settings, policies: Iterable[Policy] = (), metrics: Metrics | None = None) -> Pipeline:
    """A pipeline of every guard, with the models that the policies choose. Takes seconds: call it off the event loop.

    Faults of guards go to the log and the ``metrics``, if there are any.

    Raises:
        ConfigError: ``MODEL_MISSING`` or ``MODEL_CORRUPT``, naming the command or the setting that mends it;
            ``POLICY`` for a model that does not exist.
        UnavailableError: a model that has to be fetched from a hub which does not answer.
    """
    encoder = _full_encoder(settings) if settings.encoder == "full" else None
    bundle = load_bundle(settings.models_directory, settings.threads, encoder)
    parts = replace(parts_of(bundle), detoxify=partial(_load_detoxify, settings))
    return build_pipeline(parts, policies, Oversight(GuardWatch(metrics or Metrics()), settings.guard_seconds))


def parts_of(bundle: ModelBundle) -> Parts:
    """What guards are made of when every default model is loaded."""
    return Parts(
        bundle.encoder,
        bundle.toxicity,
        bundle.injection,
        tagger=bundle.tagger,
        linguist=bundle.languages,
        indirect=bundle.indirect,
    )


def _full_encoder(settings: Settings) -> TextEncoder:
    try:
        from models.torch_encoder import TorchEncoder  # noqa: PLC0415 - an extra, and torch takes seconds to import
    except ImportError:
        message = "the encoder in full precision needs torch, which is not installed: pip install 'weir[infer]'"
        raise ConfigError(message, code=Code.MODEL_MISSING, field="encoder") from None
    return TorchEncoder(settings.models_directory, device=settings.device)


def _load_detoxify(settings: Settings) -> Scorer:
    try:
        from models.detoxify_model import DetoxifyModel  # noqa: PLC0415 - an extra, and torch takes seconds to import
    except ImportError:
        message = "a policy chooses Detoxify, which is not installed: pip install 'weir[detoxify]'"
        raise ConfigError(message, code=Code.MODEL_MISSING, field="detoxify") from None
    model = DetoxifyModel(
        settings.detoxify, settings.models_directory / "detoxify", threads=settings.threads, device=settings.device
    )
    model.load()
    return model
