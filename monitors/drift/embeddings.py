"""An alarm for embeddings: texts unlike any known topic, and topics that take more than their share."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

CLUSTERS: Final = 24
_ROUNDS: Final = 25
_RATES: Final = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
_RATIOS: Final = np.array([1.25, 1.5, 2.0, 3.0, 6.0])
_MOST: Final = 1e100


@dataclass(frozen=True, slots=True)
class Topics:
    """What a reference taught: unit centroids, each one's share with two standard errors added, calibration ranks.

    ``similarities`` are those of calibration texts to their nearest centroid, sorted; texts that taught the centroids
    have no part in them, since they lie closer than new ones.
    """

    centroids: NDArray[np.float64]
    shares: NDArray[np.float64]
    similarities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Evidence so far: of a fall of similarity by rate, and of a rise of each cluster's share by ratio.

    Start it with ``calm``. ``evidence`` is the mean of both; by Ville's inequality (1939) it passes c with a
    probability of at most 1/c while nothing changes.
    """

    away: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]
    count: int = 0

    @property
    def evidence(self) -> float:
        """The mean over all bets."""
        return (float(np.mean(self.away)) + float(np.mean(self.shares))) / 2

    @property
    def cluster(self) -> int:
        """The cluster whose share rose most."""
        return int(np.argmax(np.mean(self.shares, axis=1)))


def fit_topics(fit: NDArray[np.float64], calibration: NDArray[np.float64], seed: int = 0) -> Topics:
    """Spherical k-means (Dhillon and Modha 2001) with 24 clusters on ``fit``; shares and ranks from ``calibration``.

    Rows are vectors of any length but zero; 3,000 each do well.
    """
    unit, source = _unit(fit), np.random.default_rng(seed)
    centroids = unit[source.choice(len(unit), min(CLUSTERS, len(unit)), replace=False)]
    for _ in range(_ROUNDS):
        nearest = (unit @ centroids.T).argmax(axis=1)
        sums = np.zeros_like(centroids)
        np.add.at(sums, nearest, unit)
        filled = np.linalg.norm(sums, axis=1) > 0
        centroids = np.where(filled[:, None], _unit(sums), centroids)
    similar = _unit(calibration) @ centroids.T
    counts = np.bincount(similar.argmax(axis=1), minlength=len(centroids))
    share = (counts + 0.5) / (len(calibration) + 0.5 * len(centroids))
    return Topics(
        centroids, np.minimum(1.0, share + 2 * np.sqrt(share / len(calibration))), np.sort(similar.max(axis=1))
    )


def calm(topics: Topics) -> Drift:
    """No text seen yet."""
    return Drift((1.0,) * len(_RATES), ((1.0,) * len(_RATIOS),) * len(topics.centroids))


def drifted(state: Drift, topics: Topics, vectors: NDArray[np.float64], luck: NDArray[np.float64]) -> Drift:
    """Take vectors in, with a number in [0, 1) for each that breaks ties (a hash, so that a recomputation agrees).

    The rank u of a text's similarity among the calibration texts is uniform while nothing changes (Vovk, Gammerman and
    Shafer 2005); e = 1 + λ(½ - u - d) bets that texts are less alike, with d = 2/√(12 n) for the error of the
    calibration. Of each cluster it is bet that the share, at most p + 2√(p/n), rose by each ratio. Texts of one
    conversation resemble each other: feed one vector a conversation.
    """
    if not len(vectors):
        return state
    similar = _unit(vectors) @ topics.centroids.T
    best, nearest, count = similar.max(axis=1), similar.argmax(axis=1), len(topics.similarities)
    below, upto = (np.searchsorted(topics.similarities, best, side) for side in ("left", "right"))
    rank = (below + luck * (upto - below + 1)) / (count + 1)
    away = np.log1p(np.outer(0.5 - rank - 2 / sqrt(12 * count), _RATES)).sum(axis=0)
    hits = np.bincount(nearest, minlength=len(topics.shares))[:, None]
    share = topics.shares[:, None]
    risen = np.minimum(share * _RATIOS, (1 + share) / 2)
    rest = np.maximum(1 - share, 1e-12)
    grown = hits * np.log(risen / share) + (len(vectors) - hits) * np.log(np.maximum(1 - risen, 1e-12) / rest)
    return replace(
        state,
        away=tuple(_times(np.array(state.away), away).tolist()),
        shares=tuple(map(tuple, _times(np.array(state.shares), grown).tolist())),
        count=state.count + len(vectors),
    )


def _times(evidence: NDArray[np.float64], log_bets: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(np.minimum(np.log(np.maximum(evidence, 1e-300)) + log_bets, np.log(_MOST))))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
