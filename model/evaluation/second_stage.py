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
from model.evaluation.local_parts import KeptParts, Numbers
from model.evaluation.ranking import Ranker, Ranking, Shares, Vectors, inner_product
from model.local.coding import Rows
from model.modality import Modality, unit
from model.rerankers import RERANKERS, WITHOUT_PARTS, Candidates, Question, Reranker, compares_parts

Floats = NDArray[np.float32]


def ranker_of(name: str, encoder: Encoder, kept: KeptParts | None = None) -> Ranker:
    """Rank as searches with this re-ranker do, by the biases of the encoder's own bank.

    If the re-ranker compares local parts, those are of the pictures in `kept`, and the ranker is one of `numbered`
    vectors. Without `kept` it ranks as a search does in an index that has no local parts.
    """
    reranker = RERANKERS.load(name)(encoder)
    if compares_parts(reranker):
        rest = ranker_of(WITHOUT_PARTS.get(name, "plain"), encoder)
        return rest if kept is None else InParts(SecondStage(reranker, encoder.bank), rest, kept)
    return SecondStage(reranker, encoder.bank if reranker.corrected else None)


@dataclass(frozen=True)
class SecondStage:
    """A `Ranker` whose head is the order of a re-ranker; without a bank, no photo has a bias."""

    reranker: Reranker
    bank: Bank | None

    def __call__(self, gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
        if not self.reranker.depth and not self.reranker.corrected:
            return inner_product(gallery, made_of)
        return self.searched(gallery, made_of).rank

    def searched(self, gallery: Vectors, made_of: Shares, kept: "_Kept | None" = None) -> "_Searched":
        return _Searched(self, np.ascontiguousarray(gallery, dtype=np.float32), made_of, kept)

    def biases(self, photos: Floats, made_of: Shares) -> Floats:
        """How much of every score is bias, for queries of length 1."""
        if self.bank is None or not self.reranker.corrected:
            return np.zeros(len(photos), dtype=np.float32)
        found: Floats = self.bank.biases(photos) @ weights_of(made_of)
        return found


@dataclass(frozen=True)
class InParts:
    """A `Ranker` of numbered vectors: drawings in the order of a re-ranker that compares parts, all else by `rest`."""

    stage: SecondStage
    rest: Ranker
    kept: KeptParts

    def __call__(self, gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
        photos, share = gallery[:, :-1], made_of.get(Modality.SKETCH, 0.0)
        if share <= 0:
            ranked = self.rest(photos, made_of)
            return lambda queries: ranked(queries[:, :-1])
        searched = self.stage.searched(photos, made_of, _Kept(self.kept, gallery[:, -1].astype(np.int64)))
        # In a mix, the number of the drawing counts as much as the drawing.
        return lambda queries: searched.rank(
            queries[:, :-1], np.rint(queries[:, -1] / share).astype(np.int64)
        )


@dataclass(frozen=True)
class _Kept:
    """The parts of pictures, and the numbers of a gallery's photos among them."""

    parts: KeptParts
    photos: Numbers

    def rows(self, places: Numbers) -> tuple[Rows, NDArray[np.bool_]]:
        return self.parts.rows(self.photos[places])


class _Searched:
    """A gallery with its biases, for one kind of query."""

    def __init__(self, stage: SecondStage, photos: Floats, made_of: Shares, kept: _Kept | None) -> None:
        self._reranker, self._made_of, self._kept = stage.reranker, made_of, kept
        self._photos = photos
        self._biases = stage.biases(photos, made_of)

    def rank(self, queries: Vectors, drawings: Numbers | None = None) -> Ranking:
        """Rank the photos; `drawings` are the numbers of the queries' drawings, if their parts are known."""
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
            parts = None
            if self._kept is not None and drawings is not None:
                parts = self._kept.parts.drawing(int(drawings[row]))
            question = Question(vector, {}, kinds, parts)
            head[row] = self._reordered(question, scores[row], corrected[row], depth)
        return Ranking(corrected, head)

    def _reordered(
        self, question: Question, scores: Floats, corrected: Floats, depth: int
    ) -> NDArray[np.int64]:
        best, kept = _highest(corrected, depth), self._kept
        rows = None if kept is None else lambda which: kept.rows(best[which])
        found = self._reranker.rerank(
            question, Candidates(best, scores[best], self._photos[best], corrected[best], rows)
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
