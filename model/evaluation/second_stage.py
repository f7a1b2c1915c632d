"""Whole searches as rankers: biases subtracted from the scores, the best candidates in a re-ranker's order.

The same as in the service, but against all photos at once and without an index: nothing is rounded or approximate.
A photo that is its own query is a candidate, as in a library that holds it; `ranked_blocks` takes it out afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.bank import Bank, weights_of
from model.encoder import Encoder
from model.evaluation.ranking import Ranker, Ranking, Shares, Vectors, inner_product
from model.modality import unit
from model.rerankers import RERANKERS, Candidates, Question, Reranker

Floats = NDArray[np.float32]


def ranker_of(name: str, encoder: Encoder) -> Ranker:
    """Rank as searches with this re-ranker do, by the biases of the encoder's own bank."""
    reranker = RERANKERS.load(name)(encoder)
    return SecondStage(reranker, encoder.bank if reranker.corrected else None)


@dataclass(frozen=True)
class SecondStage:
    """A `Ranker` whose head is the order of a re-ranker; without a bank, no photo has a bias."""

    reranker: Reranker
    bank: Bank | None

    def __call__(self, gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
        if not self.reranker.depth and not self.reranker.corrected:
            return inner_product(gallery, made_of)
        return _Searched(self, np.ascontiguousarray(gallery, dtype=np.float32), made_of).rank

    def biases(self, photos: Floats, made_of: Shares) -> Floats:
        """How much of every score is bias, for queries of length 1."""
        if self.bank is None or not self.reranker.corrected:
            return np.zeros(len(photos), dtype=np.float32)
        found: Floats = self.bank.biases(photos) @ weights_of(made_of)
        return found


class _Searched:
    """A gallery with its biases, for one kind of query."""

    def __init__(self, stage: SecondStage, photos: Floats, made_of: Shares) -> None:
        self._reranker, self._made_of = stage.reranker, made_of
        self._photos = photos
        self._biases = stage.biases(photos, made_of)

    def rank(self, queries: Vectors) -> Ranking:
        asked = np.asarray(queries, dtype=np.float32)
        # The shorter a mix, the more each of its parts counts once it is scaled to length 1.
        lengths = np.maximum(np.linalg.norm(asked, axis=1), np.float32(1e-12))
        asked = unit(asked)
        scores = asked @ self._photos.T
        corrected = scores - self._biases / lengths[:, None]
        depth = min(self._reranker.depth, len(self._photos))
        if not depth:
            return Ranking(corrected)
        head = np.empty((len(asked), depth), dtype=np.int64)
        for row, vector in enumerate(asked):
            kinds = {kind: share / float(lengths[row]) for kind, share in self._made_of.items()}
            head[row] = self._reordered(Question(vector, {}, kinds), scores[row], corrected[row], depth)
        return Ranking(corrected, head)

    def _reordered(
        self, question: Question, scores: Floats, corrected: Floats, depth: int
    ) -> NDArray[np.int64]:
        best = _highest(corrected, depth)
        found = self._reranker.rerank(
            question, Candidates(best, scores[best], self._photos[best], corrected[best])
        )
        return best[found.order]


def _highest(scores: Floats, count: int) -> NDArray[np.int64]:
    """The places of the highest scores, in order; equal ones in that of the gallery, also at the end."""
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    above = np.flatnonzero(scores > least)
    tied = np.flatnonzero(scores == least)[: count - len(above)]
    places = np.sort(np.concatenate([above, tied]))
    ordered: NDArray[np.int64] = places[np.argsort(-scores[places], kind="stable")]
    return ordered
