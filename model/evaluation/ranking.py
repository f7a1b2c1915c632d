"""Rankers: in which order a query sees the photos of a gallery, and which places of that order are right.

A ranker prepares a gallery once, then ranks it for one block of queries after another. The simplest is the inner
product. A second stage (second_stage.py) returns the first stage's scores and, as `head`, the photos that it moves to
the front, in order.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Modality

Vectors = NDArray[np.floating]
Shares = Mapping[Modality, float]

# Rows that are sorted together fit into a core's cache.
GROUP_BYTES = 2 * 2**20
LARGEST = np.uint32(0x7F7FFFFF)


class Ranking(NamedTuple):
    """The order of all photos for each query of a block; the arrays are the caller's to overwrite.

    `scores` (queries x photos): highest first, equal ones in the gallery's order. `head` (queries x D): places in the
    gallery that come before all others, in this order and whatever their scores; -1 stands for no photo.
    """

    scores: NDArray[np.float32]
    head: NDArray[np.integer] | None = None


class Ranker(Protocol):
    """`made_of` says what the queries consist of: the share of each modality, which add up to 1.

    A query is the sum of its parts' unit vectors by these shares, and need not have length 1.
    """

    def __call__(self, gallery: Vectors, made_of: Shares, /) -> Callable[[Vectors], Ranking]: ...


def inner_product(gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
    """The first stage: every query against every photo."""
    photos = np.ascontiguousarray(gallery, dtype=np.float32).T
    return lambda queries: Ranking(np.asarray(queries, dtype=np.float32) @ photos)


def ranked_blocks(
    queries: Vectors,
    rank: Callable[[Vectors], Ranking],
    *,
    wanted: tuple[NDArray[np.int32], NDArray[np.int32]],
    itself: NDArray[np.integer] | None,
    size: int,
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield for each block of queries its size, and which places of their rankings are right.

    `wanted` has a number for each query and each photo; those with the same number belong together.
    """
    height = max(1, size // (len(wanted[1]) * 8))
    for start in range(0, len(queries), height):
        block = slice(start, start + height)
        scores = one_order(rank(queries[block]))
        right = wanted[0][block, None] == wanted[1][None, :]
        if itself is not None:
            own = np.flatnonzero(itself[block] >= 0)
            scores[own, itself[block][own]] = -np.inf
            right[own, itself[block][own]] = False
        yield len(scores), right_in_order(scores, right)


def one_order(ranking: Ranking) -> NDArray[np.float32]:
    """Write the head into the scores, as the largest numbers there are."""
    scores, head = ranking
    if np.isnan(scores).any():
        raise ValueError("the scores of a ranking hold NaN: the ranker that made them is broken")
    if head is not None:
        highest = (LARGEST - np.arange(head.shape[1], dtype=np.uint32)).view(np.float32)
        rows, places = np.nonzero(head >= 0)
        scores[rows, head[rows, places]] = highest[places]
    return scores


def right_in_order(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Sort each row of `right` by descending scores; equal scores keep their order."""
    ordered = np.empty_like(right)
    height = max(1, GROUP_BYTES // (8 * scores.shape[1]))

    def fill(start: int) -> None:
        group = slice(start, start + height)
        ordered[group] = _sorted_right(scores[group], right[group])

    # numpy releases the GIL while it sorts, so threads do share the work.
    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(0, len(scores), height)))
    return ordered


def _sorted_right(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pack score, place and rightness into one integer, so that a single sort of integers does it all.

    An argsort and a gather would take several times as long.
    """
    # Adding zero turns -0.0 into 0.0, which would otherwise sort differently.
    bits = (scores + np.float32(0)).view(np.uint32)
    falling = np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))
    packed = falling.astype(np.uint64) << np.uint64(32)
    packed |= (np.arange(scores.shape[1], dtype=np.uint64) << np.uint64(1))[None, :]
    packed |= right
    packed.sort(axis=1)
    return (packed & np.uint64(1)).astype(np.bool_)
