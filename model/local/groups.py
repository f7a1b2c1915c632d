"""Group the cells of a drawing whose matches lie together, as one part that a person can name."""

import numpy as np
from numpy.typing import NDArray

from model.local.parts import Floats

# How different two groups may be and still become one: by weight and by how far apart they are in both pictures; and
# this near, in cells of each, they are one whatever their weight.
_SAME, _CLOSE = 0.004, 2.5
# Beyond this many cells, two are no neighbours. Groups that are not connected join only where there are too many.
_NEAR = 1.6
_APART = 100.0


def groups(begins: Floats, ends: Floats, weights: Floats, cell: float, most: int) -> NDArray[np.int64]:
    """A number of its group for each of the cells at `begins` (n, 2), which match the places at `ends` (n, 2).

    Ward's method: two groups at a time become one, those whose cells lie nearest together in both pictures.
    """
    count = len(begins)
    labels = np.arange(count)
    means = np.concatenate([begins, ends], axis=1).astype(np.float64)
    heavy = weights.astype(np.float64) / max(float(weights.sum()), 1e-9)
    steps = np.abs(begins[:, None] - begins[None]).max(axis=-1)
    near = steps < _NEAR * cell
    costs = _costs(means, heavy, means, heavy, near)
    np.fill_diagonal(costs, np.inf)
    left = count
    while left > 1:
        one, other = divmod(int(costs.argmin()), count)
        # Unconnected groups are never the same thing, but there may be too many of them.
        away = float(((means[one] - means[other]) ** 2).sum())
        if left <= most and costs[one, other] > _SAME and away > 2 * (_CLOSE * cell) ** 2:
            break
        total = heavy[one] + heavy[other]
        means[one] = (heavy[one] * means[one] + heavy[other] * means[other]) / max(total, 1e-12)
        heavy[one], labels[labels == other] = total, one
        near[one] |= near[other]
        near[:, one] = near[one]
        costs[other], costs[:, other] = np.inf, np.inf
        gone = np.isinf(costs[one])
        costs[one] = _costs(means[one : one + 1], heavy[one : one + 1], means, heavy, near[one : one + 1])[0]
        costs[one, gone] = np.inf
        costs[one, one] = np.inf
        costs[:, one] = costs[one]
        left -= 1
    return labels


def _costs(
    means: NDArray[np.float64],
    heavy: NDArray[np.float64],
    others: NDArray[np.float64],
    weights: NDArray[np.float64],
    near: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """What is lost when two groups become one."""
    away = ((means[:, None] - others[None]) ** 2).sum(axis=-1)
    both = heavy[:, None] * weights[None] / np.maximum(heavy[:, None] + weights[None], 1e-12)
    found: NDArray[np.float64] = (both * away + 1e-12) * np.where(near, 1.0, _APART)
    return found
