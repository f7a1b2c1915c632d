"""Second stages, as rows of their own: re-rankers on finished vectors, and pair scores of methods that have some.

`pairs` scores each drawing with each photo, and orders all photos by it, or only the first of those that the vectors
found. The others look at the gallery: ICFRR and ClusterRetri are training-free methods of the field, with their
authors' numbers, and `collection` is this project's own second stage.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from model.bank import Bank, Near
from model.comparison.gallery import cluster_retri, icfrr
from model.comparison.material import Material
from model.comparison.training import Trained
from model.comparison.vectors import Found
from model.evaluation.ranking import Ranker, Ranking, Shares, Vectors
from model.evaluation.second_stage import SecondStage
from model.modality import Modality
from model.rerankers.collection import Collection
from model.training.banks import WEIGHING

_BLOCK = 32
# How many of the first photos a second stage orders; None: all.
DEPTHS: Mapping[str, int | None] = {"pairs, all": None, "pairs, first 25": 25, "pairs, first 100": 100}


def by_gallery(found: Found) -> dict[str, Ranker]:
    """Rankers that look at the gallery, by name; the bank is made of drawings from training."""
    weighing = WEIGHING[Modality.SKETCH]
    near = Near(found.drawn[: weighing.most], weighing.count, weighing.share)
    bank = Bank("compared", {Modality.SKETCH: near})
    return {
        "collection": SecondStage(Collection(None), bank),
        "ICFRR": _scored(lambda q, g: icfrr(q, g, beta=0.5, candidates=250, neighbours=256, rounds=5)),
        "ClusterRetri": _scored(lambda q, g: cluster_retri(q, g, parts=2, centres=32, share=0.2, seed=0)),
    }


def _scored(scores: Callable[[Vectors, Vectors], Vectors]) -> Ranker:
    def ranker(gallery: Vectors, _: Shares) -> Callable[[Vectors], Ranking]:
        photos = np.ascontiguousarray(gallery, dtype=np.float32)
        return lambda queries: Ranking(scores(np.asarray(queries, dtype=np.float32), photos))

    return ranker


@torch.no_grad()
def pair_scores(trained: Trained, material: Material) -> Vectors | None:
    """The score of each unseen drawing with each unseen photo; None if the method has none."""
    network, views = trained.network.eval(), material.unseen.views
    method, learner = network.method, network.learner
    if not method.scores_pairs:
        return None
    drawn = [row for row, record in enumerate(views.records) if record.modality == Modality.SKETCH]
    shown = material.unseen.photos

    def parts(rows: list[int]) -> torch.Tensor:
        blocks = (rows[at : at + _BLOCK] for at in range(0, len(rows), _BLOCK))
        return torch.cat([method.parts(learner, views.images(block)) for block in blocks])

    photos, found = parts(shown), []
    for at in range(0, len(drawn), _BLOCK):
        scores = method.compare(learner, parts(drawn[at : at + _BLOCK]), photos)
        assert scores is not None
        found.append(scores.float().numpy())
    return np.concatenate(found)


def by_pairs(scores: Vectors, depth: int | None) -> Ranker:
    """A ranker of the small gallery: its queries are those of `scores`, in their order."""

    def ranker(gallery: Vectors, _: Shares) -> Callable[[Vectors], Ranking]:
        photos, done = np.ascontiguousarray(gallery, dtype=np.float32).T, 0

        def rank(queries: Vectors) -> Ranking:
            nonlocal done
            rows = scores[done : done + len(queries)]
            done += len(queries)
            if depth is None:
                return Ranking(rows.copy())
            first = np.asarray(queries, dtype=np.float32) @ photos
            best: NDArray[np.int64] = np.argsort(-first, axis=1, kind="stable")[:, :depth]
            order = np.argsort(-np.take_along_axis(rows, best, axis=1), axis=1, kind="stable")
            return Ranking(first, np.take_along_axis(best, order, axis=1))

        return rank

    return ranker
