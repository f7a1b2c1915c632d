"""A second stage by local parts: which photos have the parts of the drawing, and where the drawing has them.

It reorders the first few only. There, what tells one thing of a kind from another counts for more than the kind itself;
further down, order is better left to what the first stage knows of the whole.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.rerankers import Candidates, Question, Ranking
from model.rerankers.collection import Collection

if TYPE_CHECKING:
    from model.encoder import Encoder

Floats = NDArray[np.float32]

# How many photos are compared, and how much that counts beside their scores so far.
DEPTH, WEIGHT = 25, 1.0


class LocalParts:
    """For drawings; without one, or without parts in the index, the order stays."""

    depth = DEPTH
    corrected = True

    def __init__(self, encoder: "Encoder") -> None:
        self._local = encoder.local

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        every = np.arange(len(candidates))
        return Ranking(self.reordered(question, candidates, every), [None] * len(candidates))

    def reordered(
        self, question: Question, candidates: Candidates, order: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The candidates in this order, but for the first few, which their parts reorder."""
        head = order[:DEPTH]
        if self._local is None or question.parts is None or candidates.rows is None or len(head) < 2:
            return order
        fits = self._local.scores(question.parts, candidates.rows[head])
        # Places so far rather than scores, which each stage has on a scale of its own.
        so_far = -np.log1p(np.arange(len(head), dtype=np.float32))
        best = np.argsort(-(_standard(so_far) + WEIGHT * _standard(fits)), kind="stable")
        return np.concatenate([head[best], order[DEPTH:]])


class Everything:
    """First what the collection shows, then, among the first few of that order, local parts."""

    corrected = True

    def __init__(self, encoder: "Encoder") -> None:
        self._collection, self._local = Collection(encoder), LocalParts(encoder)
        self.depth = self._collection.depth

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        found = self._collection.rerank(question, candidates)
        order = self._local.reordered(question, candidates, found.order)
        if found.relevance is None:
            return replace(found, order=order)
        likely = np.empty_like(found.relevance)
        likely[found.order] = found.relevance
        return replace(found, order=order, relevance=likely[order])


def _standard(values: Floats) -> Floats:
    found: Floats = (values - values.mean()) / (values.std() + 1e-6)
    return found
