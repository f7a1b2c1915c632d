"""Blend models trained from the same start: the mean of their weights.

Runs that differ in their objectives, or only by chance, end in the same valley of the loss; their mean lies deeper than
each of them, and does what each was trained for. It costs nothing at inference.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from model.card import LOCAL, Card, Checkpoint, Source
from model.errors import ModelError
from model.export.folders import copy_parts, new_folder, weight_file, write_card
from model.export.openvino import export
from model.rerankers import WITHOUT_PARTS

Tensors = dict[str, NDArray[np.generic]]

AVERAGED = ("torch.image", "heads")
# Runs from the same start keep a cosine of .99 in each matrix; from different starts it is about zero.
SAME_START = 0.5


def blend(checkpoints: Sequence[Checkpoint], folder: Path, name: str | None = None) -> Checkpoint:
    """Write the mean of the models to a new folder, all or nothing.

    It has neither a bank (see training/banks.py) nor a local head, which reads the maps of one tower.
    """
    if len(checkpoints) < 2:
        raise ModelError("blending needs at least two models")
    first = checkpoints[0]
    for other in checkpoints[1:]:
        _check_alike(first, other)
    with new_folder(folder) as beside:
        kept = [
            part for part in first.card.weights if part not in AVERAGED and not _made_anew(first.card, part)
        ]
        weights = {part: first.card.weights[part] for part in kept}
        copy_parts(first, kept, beside)
        for part in AVERAGED:
            path = beside / Path(first.card.weights[part].file).name
            save_file(_mean([_tensors(each, part) for each in checkpoints]), path)
            # Readable by others: a service may run as another user.
            path.chmod(0o644)
            weights[part] = weight_file(path)
        card = _card([each.card for each in checkpoints], name)
        write_card(card.model_copy(update={"weights": weights}), beside)
        export(Checkpoint(beside))
    return Checkpoint(folder)


def _check_alike(first: Checkpoint, other: Checkpoint) -> None:
    same: Sequence[tuple[str, Callable[[Card], object]]] = (
        ("architectures", lambda card: (card.backbone, card.image_tower, card.text_tower)),
        ("dimensions", lambda card: card.dimension),
        ("picture preprocessing", lambda card: card.preprocessing),
        ("looks at pictures", lambda card: card.looks),
        ("parts", lambda card: {part for part in card.weights if not _made_anew(card, part)}),
    )
    for what, of in same:
        if of(first.card) != of(other.card):
            raise ModelError(
                f"{first.folder} and {other.folder} have different {what}: they cannot be blended"
            )
    for part in AVERAGED:
        ours, theirs = _tensors(first, part), _tensors(other, part)
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


def _made_anew(card: Card, part: str) -> bool:
    """Whether a part belongs to one model only (its bank, what compares parts) or follows from its weights (graphs)."""
    graph = part.startswith("openvino.") and card.weights[part].package is None
    return graph or part in ("bank", LOCAL, "method", "recipe")


def _tensors(checkpoint: Checkpoint, part: str) -> Tensors:
    return load_file(checkpoint.file(part))


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


def _card(cards: Sequence[Card], name: str | None) -> Card:
    first = cards[0]
    sources: dict[str, Source] = {source.name: source for card in cards for source in card.learned_from}
    return first.model_copy(
        update={
            "name": name or first.name,
            "description": f"the mean of {len(cards)} models: "
            + " + ".join(card.description for card in cards),
            "learned_from": tuple(sources.values()),
            # The parts' figures do not apply to the blend.
            "figures": {},
            "relevance": None,
            "reranker": WITHOUT_PARTS.get(first.reranker, first.reranker),
        }
    )
