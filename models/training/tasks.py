"""What is trained: labels, inputs, splits and the rule for thresholds, one record a head."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.heads import INJECTION, TOXICITY
from models.training.augmentation import Phrases, augment_injection, augment_toxicity, merely_swears
from models.training.corpus import FINE_LABELS, Example, read_injection, read_kinds, read_toxicity
from models.training.recipe import Recipe

# Where a threshold comes from: a quantile of the scores of benign development texts of these kinds.
Quantile = tuple[float, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Task:
    """One head. ``labels[0]`` is the label that thresholds are for; ``aside`` sources are never trained on.

    ``by_hand`` reads sentences that show, kind by kind, what the head can do; they are judged by, never trained on.
    ``limits`` are sentences for the card: what the head is known to get wrong.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    inputs: tuple[str, ...]  # which of the encoder's vectors the head reads
    read: Callable[[Path], Iterable[Example]]
    keep: Callable[[Example, Phrases], bool]
    augment: Callable[[Sequence[Example], Phrases, int], list[Example]]
    by_hand: Callable[[], Sequence[Example]]
    aside: frozenset[str]
    recipe: Recipe
    thresholds: Mapping[str, Quantile]
    limits: tuple[str, ...]


CLEAN = frozenset({"clean"})
PROMPTS = frozenset({"benign", "trigger"})
DOCUMENTS = frozenset({"document"})

TASKS: Mapping[str, Task] = {
    "toxicity": Task(
        name=TOXICITY,
        version="1.1.0",
        labels=("toxicity", *FINE_LABELS),
        inputs=("mean", "inner"),
        read=read_toxicity,
        keep=lambda example, phrases: not merely_swears(example, phrases),
        augment=augment_toxicity,
        by_hand=read_kinds,
        aside=frozenset({"surge"}),
        recipe=Recipe(),
        thresholds={"flag": (0.93, CLEAN), "block": (0.995, CLEAN)},
        limits=(
            "English; other languages score low.",
            "Implicit hate, hate by denial, spelling tricks and emoji are often missed.",
            "Abuse that is reported or denied without quotation marks, and reclaimed slurs, are often flagged.",
            "Thresholds do not transfer: calibrate them on the application's own traffic.",
        ),
    ),
    "injection": Task(
        name=INJECTION,
        version="1.0.0",
        labels=("injection",),
        inputs=("mean", "peak"),
        read=read_injection,
        keep=lambda _example, _phrases: True,
        augment=lambda _examples, phrases, seed: augment_injection(phrases, seed),
        by_hand=list,
        aside=frozenset({"bastion", "gandalf"}),
        recipe=Recipe(epochs=10),
        thresholds={"flag": (0.98, PROMPTS), "block": (0.998, PROMPTS), "context_flag": (0.9, DOCUMENTS)},
        limits=(
            "English; paraphrased attacks and short questions for secrets are often missed.",
            "A document with one hidden sentence scores hardly above a clean one: flag with context_flag, never block.",
            "Role-play prompts that are long and harmless resemble jailbreaks.",
        ),
    ),
}
