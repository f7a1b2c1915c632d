"""Join models: their image networks become one tower, side by side, which finds what either of them finds.

Unlike those of a blend, they may differ in networks, data, and start; the result takes as long as all of them. All that
lies behind the networks is linear, so nothing has to be learned again: first a model as wide as all of them
(`side_by_side`), then one of as many of its directions as wanted (`narrowed`), which `training/joins.py` finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.card import Checkpoint
from model.errors import ModelError
from model.export.several import ALIKE, Tensors, Traits, card_of, check_alike, tensors, write
from model.modality import Modality, Vectors

FAMILY = "side-by-side"
_NETWORKS, _BACKBONE, _PROJECTION = "backbone.networks.", "backbone.", "projection.weight"
_WORDS = ("text.weight", "text.bias")
TRAITS: Traits = {
    "input sizes": lambda card: card.image_tower.size,
    "text towers": lambda card: (card.text_tower, card.weights.get("torch.text")),
    "methods": lambda card: card.method,
    "prompts": lambda card: card.prompts,
    **ALIKE,
}


@dataclass(frozen=True)
class Narrowing:
    """Maps from a wide model's vectors of pictures, and of words, to a narrower one's, and what is subtracted there."""

    pictures: Vectors
    words: Vectors
    encodings: Mapping[Modality, Vectors]


def check(checkpoints: Sequence[Checkpoint]) -> None:
    """Raise ModelError if they cannot be joined."""
    if len(checkpoints) < 2:
        raise ModelError("joining needs at least two models")
    for each in checkpoints:
        if each.card.backbone not in ("timm", FAMILY) or not each.has("torch.image"):
            raise ModelError(
                f"{each.folder}: only models of timm's networks can be joined; this one is of {each.card.backbone}"
            )
        if _PROJECTION not in tensors(each, "torch.image"):
            raise ModelError(f"{each.folder}: it has no projection that could be joined to another")
    check_alike(checkpoints, TRAITS, "joined")


def side_by_side(checkpoints: Sequence[Checkpoint], folder: Path, name: str | None = None) -> Checkpoint:
    """Write a model whose vectors are those of all models, one after the other; it has no encodings yet."""
    towers = [tensors(each, "torch.image") for each in checkpoints]
    heads = [tensors(each, "heads") for each in checkpoints]
    joined: Tensors = {}
    before = 0
    for tower in towers:
        joined |= _renumbered(tower, before)
        before += _networks(tower)
    joined[_PROJECTION] = _diagonal([tower[_PROJECTION] for tower in towers])
    words = {key: np.concatenate([head[key] for head in heads], -1) for key in _WORDS if key in heads[0]}
    cards = [each.card for each in checkpoints]
    card = card_of(cards, name, "side by side,").model_copy(
        update={
            "dimension": sum(each.dimension for each in cards),
            "backbone": FAMILY,
            "image_tower": cards[0].image_tower.model_copy(
                update={"architecture": "+".join(each.image_tower.architecture for each in cards)}
            ),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    return write(checkpoints[0], card, {"torch.image": joined, "heads": words}, folder)


def narrowed(wide: Checkpoint, by: Narrowing, folder: Path) -> Checkpoint:
    """Write the model with fewer numbers, and with its encodings, to a folder that is empty."""
    tower, heads = (tensors(wide, part) for part in ("torch.image", "heads"))
    tower[_PROJECTION] = _like(by.pictures.T @ _single(tower[_PROJECTION]), tower[_PROJECTION])
    for key in _WORDS:
        if key in heads:
            heads[key] = (_single(heads[key]) @ by.words).astype(np.float32)
    encodings: Tensors = {f"encoding.{kind}": values for kind, values in by.encodings.items()}
    card = wide.card.model_copy(update={"dimension": by.pictures.shape[1]})
    return write(wide, card, {"torch.image": tower, "heads": heads | encodings}, folder)


def _networks(tower: Tensors) -> int:
    """How many networks a tower has."""
    numbers = {key.removeprefix(_NETWORKS).split(".")[0] for key in tower if key.startswith(_NETWORKS)}
    return len(numbers) or 1


def _renumbered(tower: Tensors, first: int) -> Tensors:
    """The tensors of its networks, as those of a tower in which `first` networks come before."""
    found: Tensors = {}
    for key, value in tower.items():
        if key.startswith(_NETWORKS):
            number, _, rest = key.removeprefix(_NETWORKS).partition(".")
            found[f"{_NETWORKS}{int(number) + first}.{rest}"] = value
        elif key.startswith(_BACKBONE):
            found[f"{_NETWORKS}{first}.{key.removeprefix(_BACKBONE)}"] = value
    return found


def _diagonal(blocks: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Each reads the features of its own network only."""
    rows, columns = (sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    whole = np.zeros((rows, columns), dtype=blocks[0].dtype)
    row = column = 0
    for block in blocks:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return whole


def _single(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _like(values: NDArray[np.float32], other: NDArray[np.generic]) -> NDArray[np.generic]:
    with np.errstate(over="ignore"):
        kept = values.astype(other.dtype)
    if not np.isfinite(kept.astype(np.float32)).all():
        raise ModelError(
            "the joined projection does not fit in half precision: join models that were trained alike"
        )
    return kept
