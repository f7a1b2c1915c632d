"""Blend models trained from the same start: the mean of their weights.

Runs that differ in their objectives, or only by chance, end in the same valley of the loss; their mean lies deeper than
each of them, and does what each was trained for. It costs nothing at inference.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.card import Checkpoint
from model.errors import ModelError
from model.export.folders import new_folder
from model.export.several import ALIKE, Tensors, Traits, card_of, check_alike, tensors, write

TRAITS: Traits = {
    "architectures": lambda card: (card.backbone, card.image_tower, card.text_tower),
    "dimensions": lambda card: card.dimension,
    **ALIKE,
}
AVERAGED = ("torch.image", "heads")
# Runs from the same start keep a cosine of .99 in each matrix; from different starts it is about zero.
SAME_START = 0.5


def blend(checkpoints: Sequence[Checkpoint], folder: Path, name: str | None = None) -> Checkpoint:
    """Write the mean of the models to a new folder, all or nothing."""
    if len(checkpoints) < 2:
        raise ModelError("blending needs at least two models")
    first = checkpoints[0]
    check_alike(checkpoints, TRAITS, "blended")
    for other in checkpoints[1:]:
        _check_same_start(first, other)
    made = {part: _mean([tensors(each, part) for each in checkpoints]) for part in AVERAGED}
    card = card_of([each.card for each in checkpoints], name, "the mean of")
    with new_folder(folder) as beside:
        write(first, card, made, beside)
    return Checkpoint(folder)


def _check_same_start(first: Checkpoint, other: Checkpoint) -> None:
    for part in AVERAGED:
        ours, theirs = tensors(first, part), tensors(other, part)
        if {key: value.shape for key, value in ours.items()} != {
            key: value.shape for key, value in theirs.items()
        }:
            raise ModelError(
                f"{first.folder} and {other.folder} hold different tensors: they cannot be blended"
            )
        apart = [
            key for key, value in ours.items() if value.ndim > 1 and _cosine(value, theirs[key]) < SAME_START
        ]
        if apart:
            raise ModelError(
                f"{first.folder} and {other.folder} were not trained from the same start ({apart[0]} has nothing in "
                "common): blend runs with the same data and towers"
            )


def _cosine(left: NDArray[np.generic], right: NDArray[np.generic]) -> float:
    a, b = (values.astype(np.float64).ravel() for values in (left, right))
    # Plain sums instead of BLAS products, whose threads have been seen to hang next to torch's.
    lengths = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / max(float(lengths), 1e-12))


def _mean(models: Sequence[Tensors]) -> Tensors:
    """Average in the type of the first; integers, which are counters, are taken from the first."""

    def mean(key: str, like: NDArray[np.generic]) -> NDArray[np.generic]:
        if not np.issubdtype(like.dtype, np.floating):
            return like
        # The mean of a scalar would no longer be an array.
        return np.asarray(np.mean([each[key].astype(np.float64) for each in models], axis=0)).astype(
            like.dtype
        )

    return {key: mean(key, value) for key, value in models[0].items()}
