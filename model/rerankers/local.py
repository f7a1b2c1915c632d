"""A second stage by local parts: which photos have the parts of the drawing, and where the drawing has them.

Parts tell one thing of a kind from another far better than the whole does, and say less about the kind. So they count
for more the more the photos in question are alike. docs/local-matching.md says how the numbers below were chosen.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.modality import Modality
from model.rerankers import Candidates, Question, Ranking
from model.rerankers.collection import Collection, Signals, by_final

if TYPE_CHECKING:
    from model.encoder import Encoder
    from model.local.local import Local

Floats = NDArray[np.float32]

# How many photos `local` compares, and how much that counts beside their scores.
DEPTH, WEIGHT = 50, 2.0
# The same for `all`: the weight among photos of different things, and among photos of one thing.
DEEPER, LEAST, MOST = 100, 1.0, 12.0


class LocalParts:
    """For drawings; without one, or without parts in the index, the order stays."""

    depth = DEPTH
    corrected = True
    parts = True

    def __init__(self, encoder: "Encoder") -> None:
        self._local = encoder.local

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        head = np.arange(min(self.depth, len(candidates)))
        order = np.arange(len(candidates))
        added = WEIGHT * fits(self._local, question, candidates, head)
        order[: len(head)] = np.argsort(-(candidates.corrected[head] + added), kind="stable")
        return Ranking(order, [None] * len(candidates))


class Everything(Collection):
    """What the collection shows and, for the first photos of that order, local parts; then the top is varied."""

    parts = True

    def __init__(self, encoder: "Encoder") -> None:
        super().__init__(encoder)
        self._local = encoder.local

    def improved(self, found: Signals, question: Question, candidates: Candidates) -> Signals:
        head = by_final(found)[:DEEPER]
        alike = float(found.same[np.ix_(head, head)].mean())
        final = found.final.copy()
        final[head] += (LEAST + (MOST - LEAST) * alike) * fits(self._local, question, candidates, head)
        return replace(found, final=final)


def fits(
    local: "Local | None", question: Question, candidates: Candidates, head: NDArray[np.int64]
) -> Floats:
    """How much better each of these candidates has the drawing's parts than their mean; 0 where it is not known."""
    found = np.zeros(len(head), dtype=np.float32)
    if local is None or question.parts is None or candidates.rows is None or not len(head):
        return found
    rows, present = candidates.rows(head)
    if present.any():
        scores = local.scores(question.parts, rows[present])
        found[present] = _share(question) * (scores - scores.mean())
    return found


def _share(question: Question) -> float:
    """How much of the query is the drawing."""
    whole = sum(map(abs, question.kinds.values()))
    return max(question.kinds.get(Modality.SKETCH, whole), 0.0) / whole if whole else 1.0
