"""Is the response about what was asked?"""

from collections.abc import Mapping, Sequence

from guards.guard import Passage, Reading, Score, Side, TextFeatures


class RelevanceGuard:
    """The cosine similarity of question and response, 0 to 1: the best pair of windows counts.

    A blank question or response has nothing to compare and scores 1: silence is not off-topic.
    """

    name = "relevance"
    labels = ("relevance",)
    lower_is_worse = True
    languages = frozenset({"en"})

    def __init__(self, encoder_version: str) -> None:
        self.version = f"cosine+{encoder_version}"

    def applies(self, passage: Passage) -> bool:
        return passage.side is Side.RESPONSE and passage.question is not None

    def needs(self, passage: Passage) -> Sequence[str]:
        return (passage.text, passage.question or "")

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [
            Reading({"relevance": Score(_similarity(features[passage.text], features[passage.question or ""]))})
            for passage in passages
        ]


def _similarity(response: TextFeatures, question: TextFeatures) -> float:
    if not len(response.spans) or not len(question.spans):
        return 1.0
    # The vectors have unit length, so the product is the cosine; float error may leave [0, 1].
    best = float((response.mean @ question.mean.T).max())
    return min(1.0, max(0.0, best))
