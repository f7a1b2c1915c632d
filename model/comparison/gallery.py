"""Two methods of the field that train nothing and order photos by what the gallery itself shows.

ICFRR (arXiv 2303.17703): the photos that a drawing finds first vote for the photos most like them. ClusterRetri
(AAAI 2023): photos count as the centres of a product quantiser that was fitted to the gallery.

Vectors are unit vectors; scores are (queries, photos), higher is better. Both look at the whole gallery, so that they
stand apart from methods that see one photo at a time.
"""

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

_BLOCK = 1024
_ROUNDS = 20


def icfrr(
    queries: Vectors, photos: Vectors, *, beta: float, candidates: int, neighbours: int, rounds: int = 1
) -> Vectors:
    """Add `beta` times the mean vote of the first `candidates` to minus the distance of each photo.

    A photo votes for its nearest `neighbours`; weights fall linearly, from 1 for the first to 0 for the last of
    the gallery, as in the authors' code. In later rounds, those vote that came first in the round before.
    """
    near = _nearest(photos, min(neighbours, len(photos) - 1))
    weights = (1 - np.arange(near.shape[1]) / len(photos)).astype(np.float32)
    scores: Vectors = -_distances(queries, photos)
    count = min(candidates, len(photos))
    for _ in range(rounds):
        first = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        for row, voters in enumerate(first):
            np.add.at(scores[row], near[voters], beta / count * weights[None, :])
    return scores


def cluster_retri(
    queries: Vectors, photos: Vectors, *, parts: int, centres: int, share: float, seed: int
) -> Vectors:
    """Score by the squared distance to a photo's quantised vector and, by `share`, the distance to the photo itself.

    The quantiser cuts vectors into `parts`, each with so many `centres` by k-means. The best number of centres is near
    that of the classes in the gallery, which whoever searches does not know.
    """
    coded = np.concatenate(
        [
            _quantised(part, min(centres, len(photos)), seed + number)
            for number, part in enumerate(np.array_split(photos, parts, axis=1))
        ],
        axis=1,
    )
    return -((1 - share) * _distances(queries, coded) ** 2 + share * _distances(queries, photos))


def _nearest(photos: Vectors, count: int) -> NDArray[np.int64]:
    """The other photos most like each, in order."""
    found = np.empty((len(photos), count), dtype=np.int64)
    for start in range(0, len(photos), _BLOCK):
        alike = photos[start : start + _BLOCK] @ photos.T
        rows = np.arange(len(alike))
        alike[rows, rows + start] = -np.inf
        best = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(alike, best, axis=1), axis=1, kind="stable")
        found[start : start + len(alike)] = np.take_along_axis(best, order, axis=1)
    return found


def _quantised(rows: Vectors, count: int, seed: int) -> Vectors:
    """Each row as the nearest of so many centres, by k-means."""
    chance = np.random.default_rng(seed)
    centres = rows[np.sort(chance.choice(len(rows), count, replace=False))].copy()
    for _ in range(_ROUNDS):
        nearest = _closest(rows, centres)
        sums = np.zeros_like(centres, dtype=np.float64)
        np.add.at(sums, nearest, rows)
        sizes = np.bincount(nearest, minlength=count)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres).astype(np.float32)
        if np.array_equal(moved, centres):
            break
        centres = moved
    found: Vectors = centres[_closest(rows, centres)]
    return found


def _closest(rows: Vectors, centres: Vectors) -> NDArray[np.int64]:
    lengths = (centres**2).sum(axis=1)
    nearest: NDArray[np.int64] = np.argmin(lengths[None, :] - 2 * rows @ centres.T, axis=1)
    return nearest


def _distances(queries: Vectors, photos: Vectors) -> Vectors:
    squares = (queries**2).sum(axis=1)[:, None] + (photos**2).sum(axis=1)[None, :] - 2 * queries @ photos.T
    found: Vectors = np.sqrt(np.maximum(squares, 0))
    return found
