"""Fit relevance as a logistic model, and measure it on labels that it was not fitted to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.relevance.galleries import TWICE, Asked
from model.modality import Vectors

Numbers = NDArray[np.float64]

# How many photos of a search count.
HEAD = 50
BINS, FOLDS = 10, 5


@dataclass(frozen=True)
class Bin:
    """Photos of about the same relevance: its mean, how many of them are right, and their share of the weight."""

    predicted: float
    seen: float
    weight: float


@dataclass(frozen=True)
class Fitted:
    """The numbers fitted to everything; all else comes from models that were fitted to other labels."""

    numbers: tuple[float, ...]
    auc: float
    error: float
    bins: tuple[Bin, ...]
    # Of each search: its highest relevance, whether anything is right, whether one of the first places is.
    best: Numbers
    present: NDArray[np.bool_]
    close: NDArray[np.bool_]
    counts: Mapping[str, int]
    per_gallery: tuple[str, ...]


def fit(searches: Sequence[Asked]) -> Fitted:
    from sklearn.metrics import roc_auc_score

    counts = Counter(one.gallery for one in searches)
    rows = np.concatenate([one.inputs[:HEAD] for one in searches])
    right = np.concatenate([one.right[:HEAD] for one in searches])
    weights = np.concatenate([_weights(one, counts) for one in searches])
    folds = _folds([one.label for one in searches])
    fold = np.repeat(folds, [len(one.right[:HEAD]) for one in searches])
    gallery = np.repeat([one.gallery for one in searches], [len(one.right[:HEAD]) for one in searches])
    likely, best = np.empty(len(rows)), np.empty(len(searches))
    for number in range(FOLDS):
        others = fold != number
        fitted = _numbers(rows[others], right[others], weights[others])
        likely[~others] = _likely(rows[~others], fitted)
        for place in np.flatnonzero(folds == number):
            best[place] = _likely(searches[place].inputs, fitted).max()
    bins = _bins(likely, right, weights)
    return Fitted(
        tuple(_numbers(rows, right, weights)),
        float(roc_auc_score(right, likely, sample_weight=weights)),
        sum(one.weight * abs(one.predicted - one.seen) for one in bins),
        bins,
        best,
        np.array([one.present for one in searches]),
        np.array([one.close for one in searches]),
        counts,
        tuple(_means(name, likely, right, weights, gallery == name) for name in counts),
    )


def _numbers(rows: Vectors, right: NDArray[np.bool_], weights: Numbers) -> Numbers:
    """Next to no regularisation: there are few numbers, and many photos."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10, max_iter=2000).fit(
        rows[:, 1:], right, sample_weight=weights * len(weights)
    )
    return np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float64)


def _likely(rows: Vectors, numbers: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-(rows @ numbers)))


def _weights(one: Asked, counts: Mapping[str, int]) -> Numbers:
    ranks = np.arange(1, len(one.right[:HEAD]) + 1)
    share = (2.0 if one.gallery == TWICE else 1.0) / counts[one.gallery]
    # Galleries together, and so all weights, add up to about one.
    return share / np.sqrt(ranks) / np.sum(1 / np.sqrt(np.arange(1, HEAD + 1))) / (len(counts) + 1)


def _folds(labels: Sequence[str]) -> NDArray[np.int64]:
    """The fold of each label, so that no label is in two."""
    mixed = np.random.default_rng(0).permutation(sorted(set(labels)))
    fold = {label: place % FOLDS for place, label in enumerate(mixed.tolist())}
    return np.array([fold[label] for label in labels])


def _bins(likely: Numbers, right: NDArray[np.bool_], weights: Numbers) -> tuple[Bin, ...]:
    place = np.minimum((likely * BINS).astype(int), BINS - 1)
    whole = weights.sum()
    return tuple(
        Bin(
            float(np.average(likely[here], weights=weights[here])),
            float(np.average(right[here], weights=weights[here])),
            float(weights[here].sum() / whole),
        )
        for number in range(BINS)
        if (here := place == number).any()
    )


def _means(
    name: str, likely: Numbers, right: NDArray[np.bool_], weights: Numbers, here: NDArray[np.bool_]
) -> str:
    means = [float(np.average(each[here], weights=weights[here])) for each in (likely, right)]
    return f"{name} {means[0]:.3f} {means[1]:.3f}"
