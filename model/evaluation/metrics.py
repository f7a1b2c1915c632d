"""How good a ranking is. Each figure is defined here in words, and tested against brute force.

For one query, photos are ranked by inner product (or by another `Ranker`), highest first; equal scores keep the
gallery's order. R is the number of right photos in the whole gallery, and precision(i) the share of right ones among
the first i.

| name | meaning |
| --- | --- |
| mAP@all | mean of precision(i) over the R places i of right photos |
| mAP@k | the same sum over places within the first k, divided by min(k, R): "strict", the main figure |
| mAP@k_lenient | divided by the right photos found in the first k instead; 0 where none is |
| mAP@all_voc, mAP@k_voc | as mAP@all and mAP@k, but with the highest precision at or after place i |
| P@k | share of right photos among the first min(k, R), as ZSE-SBIR and MA-SBIR have it |
| P@k_plain | right photos among the first k, divided by k |
| P@10 | right photos among the first 10, divided by 10: what people see at a glance. Always plain |
| first_hit, hit@k | share of queries whose first photo is right, or one of the first k |
| first_rank | median place of the first right photo |

Each is a mean over queries (first_rank a median); queries without any right photo are left out and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.evaluation.ranking import Ranker, Shares, Vectors, inner_product, ranked_blocks

Floats = NDArray[np.float64]

# Bytes for the working arrays of one block of queries.
BLOCK_BYTES = 256 * 2**20
HITS = (5, 10)
GLANCE = 10


@dataclass(frozen=True)
class Measured:
    """Every figure for every query; NaN for queries without a right photo in the gallery."""

    per_query: dict[str, Floats]
    gallery: int

    @property
    def queries(self) -> int:
        return len(self.per_query["first_rank"])

    @property
    def unanswerable(self) -> int:
        return int(np.isnan(self.per_query["first_rank"]).sum())

    def means(self) -> dict[str, float]:
        """Average each figure over all queries with a right photo; empty if there are none."""
        if self.queries == self.unanswerable:
            return {}
        return {
            name: float(np.nanmedian(values) if name == "first_rank" else np.nanmean(values))
            for name, values in self.per_query.items()
        }


def measure(
    queries: Vectors,
    gallery: Vectors,
    query_labels: ArrayLike,
    gallery_labels: ArrayLike,
    *,
    cutoffs: Sequence[int] = (100, 200),
    itself: NDArray[np.integer] | None = None,
    ranker: Ranker = inner_product,
    made_of: Shares | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Measured:
    """Rank the gallery for every query, in blocks of queries. Right are the photos with the same label.

    `itself` gives each query's own position in the gallery, to be left out of its ranking, or -1. `made_of`, what the
    queries consist of, is for rankers that treat drawings and words differently.
    """
    if GLANCE in cutoffs:
        raise ValueError(
            f"P@{GLANCE} is always among the figures, and plain: leave {GLANCE} out of `cutoffs`"
        )
    wanted = _codes(query_labels, gallery_labels)
    _check(queries, gallery, *wanted)
    rank = ranker(gallery, made_of or {})
    parts = [
        _figures(order, cutoffs, rows)
        for rows, order in ranked_blocks(queries, rank, wanted=wanted, itself=itself, size=block_bytes)
    ]
    return Measured({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, len(gallery))


def _figures(order: NDArray[np.bool_], cutoffs: Sequence[int], queries: int) -> dict[str, Floats]:
    rows, places = np.nonzero(order)
    found = np.bincount(rows, minlength=queries)
    begins = np.cumsum(found) - found
    precision = (np.arange(len(rows)) - begins[rows] + 1) / (places + 1)
    answered = np.where(found > 0, found, np.nan)

    def total(values: Floats, which: NDArray[np.bool_] | slice = slice(None)) -> Floats:
        return np.bincount(rows[which], weights=values[which], minlength=queries).astype(np.float64)

    figures = {
        "mAP@all": total(precision) / answered,
        "mAP@all_voc": total(_envelope(precision, rows)) / answered,
    }
    ones = np.ones(len(rows))
    for k in cutoffs:
        near = places < k
        best, within = np.minimum(answered, k), total(ones, near)
        figures[f"mAP@{k}"] = total(precision, near) / best
        # Nothing found is 0 / 1; if there was nothing to find, it stays NaN.
        figures[f"mAP@{k}_lenient"] = total(precision, near) / np.where(
            answered > 0, np.maximum(within, 1), np.nan
        )
        figures[f"mAP@{k}_voc"] = (
            np.bincount(rows[near], weights=_envelope(precision[near], rows[near]), minlength=queries) / best
        )
        figures[f"P@{k}"] = total(ones, places < np.minimum(found, k)[rows]) / best
        figures[f"P@{k}_plain"] = np.where(answered > 0, within / k, np.nan)
    first = np.full(queries, np.nan)
    first[found > 0] = places[begins[found > 0]] + 1
    figures["first_hit"] = _share(first, 1)
    figures |= {f"hit@{k}": _share(first, k) for k in HITS}
    figures[f"P@{GLANCE}"] = np.where(answered > 0, total(ones, places < GLANCE) / GLANCE, np.nan)
    return figures | {"first_rank": first}


def _envelope(precision: Floats, rows: NDArray[np.integer]) -> Floats:
    """The highest precision at or after each right photo of the same query."""
    if not len(rows):
        return precision
    # Offsets put each query above the one before it, read backwards: one running maximum serves all.
    lift = 2.0 * (rows[-1] - rows[::-1])
    highest: Floats = (np.maximum.accumulate(precision[::-1] + lift) - lift)[::-1]
    return highest


def _share(first: Floats, k: int) -> Floats:
    return np.where(np.isnan(first), np.nan, first <= k)


def accuracy(
    queries: Vectors,
    gallery: Vectors,
    query_pairs: ArrayLike,
    gallery_pairs: ArrayLike,
    *,
    within: tuple[ArrayLike, ArrayLike] | None = None,
    cutoffs: Sequence[int] = (1, 5, 10),
    ranker: Ranker = inner_product,
    made_of: Shares | None = None,
) -> dict[str, float]:
    """Acc@k: how often a query's own photo (the same pair) is among the first k.

    The gallery is all photos or, if `within` has the labels of queries and gallery, those of the query's
    class; the mean is over all queries either way. Queries whose photo is not in the gallery are left out.
    """
    own, photos = _codes(query_pairs, gallery_pairs)
    groups: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = [(np.arange(len(own)), np.arange(len(photos)))]
    if within is not None:
        kinds, shelves = _codes(*within)
        groups = [
            (np.flatnonzero(kinds == kind), np.flatnonzero(shelves == kind)) for kind in np.unique(kinds)
        ]
    found = [
        measure(
            queries[asked],
            gallery[shelf],
            own[asked],
            photos[shelf],
            cutoffs=(),
            ranker=ranker,
            made_of=made_of,
        ).per_query["first_rank"]
        for asked, shelf in groups
        if len(shelf)
    ]
    first = np.concatenate(found or [np.empty(0)])
    known = first[~np.isnan(first)]
    return {f"Acc@{k}": float((known <= k).mean()) for k in cutoffs} if len(known) else {}


def _codes(left: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Convert labels of any type to small integers, equal if the labels are."""
    first, second = np.asarray(left), np.asarray(right)
    _, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    numbers = codes.astype(np.int32)
    return numbers[: len(first)], numbers[len(first) :]


def _check(queries: Vectors, gallery: Vectors, wanted: NDArray[np.int32], present: NDArray[np.int32]) -> None:
    if not len(queries) or not len(gallery):
        raise ValueError(f"nothing to rank: {len(queries)} queries and {len(gallery)} photos")
    if len(wanted) != len(queries) or len(present) != len(gallery):
        raise ValueError(
            f"{len(queries)} queries have {len(wanted)} labels, {len(gallery)} photos have {len(present)}: "
            "give one label per vector"
        )
    for name, vectors in (("query", queries), ("gallery", gallery)):
        if not all(bool(np.isfinite(vectors[at : at + 8192]).all()) for at in range(0, len(vectors), 8192)):
            raise ValueError(f"the {name} vectors hold NaN or infinity: the encoder that made them is broken")
