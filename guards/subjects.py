"""Is the text about a subject that the policy forbids, or about none that it allows?"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Final

import numpy as np

from guards.guard import Floats, Passage, Reading, Score, Side, TextFeatures
from guards.patterns import read
from guards.smalltalk import SmallTalk
from guards.words import words
from schemas.policy import Policy, Subjects

OFF_SUBJECT: Final = "off_subject"
_MOST_GUARDS: Final = 64
_SPEAKERS: Final = frozenset({"user", "assistant", "tool"})
_SIDES: Final = frozenset({Side.PROMPT, Side.RESPONSE})


def subject_label(name: str) -> str:
    """The score key of a forbidden subject."""
    return f"subject:{name}"


@dataclass(frozen=True, slots=True)
class _Examples:
    """A subject's examples as vectors of unit length: ``each`` ``(examples, dim)`` and their ``centre`` ``(dim,)``."""

    each: Floats
    centre: Floats


class SubjectsGuard:
    """How likely a text is about each forbidden subject, and whether it is about none of those allowed, 0 to 1.

    A subject is what its example sentences have in common: the best window's cosine to the nearest of them and to
    their mean. Examples are encoded with the first texts that are read and kept. Small talk, texts of a few words and
    what the application says itself are about nothing and score 0.
    """

    name = "subjects"
    lower_is_worse = False
    languages = frozenset({"en"})

    def __init__(self, subjects: Subjects, encoder_version: str) -> None:
        file = read("subjects.toml")
        self.version = f"subjects@{file.digest}+{encoder_version}"
        self.labels = tuple(map(subject_label, subjects.forbidden)) + ((OFF_SUBJECT,) if subjects.allowed else ())
        self._subjects = subjects
        self._numbers: Mapping[str, Any] = file.tables
        self._small_talk = SmallTalk()
        self._known: Mapping[str, _Examples] | None = None

    def applies(self, passage: Passage) -> bool:
        return passage.side in _SIDES

    def needs(self, passage: Passage) -> Sequence[str]:
        if not self._is_read(passage):
            return ()
        return (passage.text,) if self._known is not None else (passage.text, *self._examples)

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [self._read(features[p.text], features) if self._is_read(p) else self._blank() for p in passages]

    @cached_property
    def _examples(self) -> tuple[str, ...]:
        every = (*self._subjects.forbidden.values(), *self._subjects.allowed.values())
        return tuple(dict.fromkeys(example for examples in every for example in examples))

    def _is_read(self, passage: Passage) -> bool:
        said = passage.role in _SPEAKERS and not self._small_talk.is_one(passage.text)
        return said and len(words(passage.text[:400])) >= self._numbers["least_words"]

    def _read(self, text: TextFeatures, features: Mapping[str, TextFeatures]) -> Reading:
        if not len(text.spans):
            return self._blank()
        known = self._learn(features)
        scores = {subject_label(name): self._nearest(text, known[name]) for name in self._subjects.forbidden}
        if self._subjects.allowed:
            on = max(self._nearest(text, known[name]).value for name in self._subjects.allowed)
            scores[OFF_SUBJECT] = Score(1 - on)
        return Reading(scores)

    def _learn(self, features: Mapping[str, TextFeatures]) -> Mapping[str, _Examples]:
        # Two threads may both do this; they come to the same.
        if self._known is None:
            every = {**self._subjects.forbidden, **self._subjects.allowed}
            self._known = {name: _vectors(examples, features) for name, examples in every.items()}
        return self._known

    def _nearest(self, text: TextFeatures, subject: _Examples) -> Score:
        nearest = np.sort(text.mean @ subject.each.T, axis=1)[:, -self._numbers["nearest"] :].mean(axis=1)
        centre = self._numbers["centre"]
        windows = (1 - centre) * nearest + centre * (text.mean @ subject.centre)
        best = int(windows.argmax())
        logit = self._numbers["slope"] * float(windows[best]) + self._numbers["constant"]
        return Score(1 / (1 + float(np.exp(-logit))), int(text.spans[best, 0]), int(text.spans[best, 1]))

    def _blank(self) -> Reading:
        return Reading({label: Score(0.0) for label in self.labels})


def _vectors(examples: Sequence[str], features: Mapping[str, TextFeatures]) -> _Examples:
    each = np.concatenate([features[example].mean for example in examples])
    centre = each.mean(axis=0)
    return _Examples(each, centre / max(float(np.linalg.norm(centre)), 1e-6))


class SubjectGuards:
    """A guard for each policy that has subjects, made once and kept while policies use it. Thread-safe."""

    def __init__(self, encoder_version: str) -> None:
        self._encoder_version = encoder_version
        self._made: OrderedDict[str, SubjectsGuard] = OrderedDict()
        self._lock = Lock()

    def of(self, policy: Policy) -> SubjectsGuard:
        """The guard for the policy's subjects; the same object for every policy that has the same ones."""
        key = policy.subjects.model_dump_json()
        with self._lock:
            if key not in self._made:
                self._made[key] = SubjectsGuard(policy.subjects, self._encoder_version)
            self._made.move_to_end(key)
            while len(self._made) > _MOST_GUARDS:
                self._made.popitem(last=False)
            return self._made[key]
