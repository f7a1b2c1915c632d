"""Intervals for figures: how far they would move with other classes, and with other queries of each class.

Queries of one class are not independent: a class that a model does not know fails them all. So each resample first
draws classes, as many as there are and with repetition, then as many queries of each drawn class as it has. The
2.5th and 97.5th percentiles of the means are the interval. Equal queries are drawn for all models and galleries.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
# Draws in one go, so that a class with very many queries does not fill the memory.
AT_ONCE = 2**22


def intervals(
    per_query: Mapping[str, Floats],
    classes: ArrayLike,
    names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Compute an interval for the mean of each named figure; empty if fewer than two queries have an answer.

    NaN marks queries without an answer, which are left out. With a single class, only its queries are resampled.
    """
    values = np.stack([per_query[name] for name in names], axis=1)
    answered = ~np.isnan(values).any(axis=1)
    values, groups = values[answered], np.asarray(classes)[answered]
    if len(values) < 2:
        return {}
    means = _resampled(values, groups, resamples, np.random.default_rng(seed))
    edges = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(names, *edges, strict=True)}


def _resampled(
    values: Floats, groups: NDArray[np.generic], resamples: int, rng: np.random.Generator
) -> Floats:
    """The means (resamples x figures) of all resamples."""
    # Sums of differences from one query: if all queries are equal, so is every mean, to the last bit.
    base = values[0]
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    drawn = rng.integers(0, len(names), size=(resamples, len(names)))
    # For each resample, how often each class was drawn.
    times = _counts(drawn, len(names))
    sums = np.zeros((resamples, values.shape[1]))
    for number, size in enumerate(sizes.tolist()):
        rows = values[codes == number] - base
        which = np.repeat(np.arange(resamples), times[:, number])
        step = max(1, AT_ONCE // size)
        for start in range(0, len(which), step):
            part = which[start : start + step]
            weights = _counts(rng.integers(0, size, size=(len(part), size)), size)
            np.add.at(sums, part, weights.astype(np.float64) @ rows)
    means: Floats = base + sums / (times @ sizes)[:, None]
    return means


def _counts(drawn: NDArray[np.integer], most: int) -> NDArray[np.intp]:
    """For each row of numbers below `most`, how often each of them occurs."""
    offsets = np.arange(len(drawn))[:, None] * most
    return np.bincount((drawn + offsets).ravel(), minlength=len(drawn) * most).reshape(len(drawn), most)
