"""What a model that is made of several others takes from them: `blend` and `join`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from model.card import LOCAL, Card, Checkpoint, Source, WeightFile
from model.errors import ModelError
from model.export.folders import copy_parts, weight_file, write_card
from model.export.openvino import export
from model.modality import WHITENING
from model.rerankers import WITHOUT_PARTS

Tensors = dict[str, NDArray[np.generic]]
Traits = Mapping[str, Callable[[Card], object]]

# What no model can be made of that differs in it.
ALIKE: Traits = {
    "picture preprocessing": lambda card: card.preprocessing,
    "looks at pictures": lambda card: card.looks,
    "parts": lambda card: {part for part in card.weights if not made_anew(card, part)},
}


def check_alike(checkpoints: Sequence[Checkpoint], traits: Traits, made: str) -> None:
    """Raise ModelError if one of them differs from the first; `made`: what becomes of them, as in "blended"."""
    first = checkpoints[0]
    for other in checkpoints[1:]:
        for what, of in traits.items():
            if of(first.card) != of(other.card):
                raise ModelError(
                    f"{first.folder} and {other.folder} have different {what}: they cannot be {made}"
                )


def made_anew(card: Card, part: str) -> bool:
    """Whether a part belongs to one model only (its bank, what compares parts) or follows from its weights (graphs)."""
    graph = part.startswith("openvino.") and card.weights[part].package is None
    return graph or part in ("bank", LOCAL, "method", "recipe")


def tensors(checkpoint: Checkpoint, part: str) -> Tensors:
    """Without what whitens the model's own queries."""
    found = load_file(checkpoint.file(part))
    return {name: values for name, values in found.items() if not name.startswith(WHITENING)}


def card_of(cards: Sequence[Card], name: str | None, how: str) -> Card:
    """The first one's card with what all have learned from, and without what applies to the parts alone."""
    first = cards[0]
    sources: dict[str, Source] = {source.name: source for card in cards for source in card.learned_from}
    return first.model_copy(
        update={
            "name": name or first.name,
            "description": f"{how} {len(cards)} models: " + " + ".join(card.description for card in cards),
            "learned_from": tuple(sources.values()),
            # The parts' figures do not apply.
            "figures": {},
            "relevance": None,
            "reranker": WITHOUT_PARTS.get(first.reranker, first.reranker),
        }
    )


def write(like: Checkpoint, card: Card, made: Mapping[str, Tensors], folder: Path) -> Checkpoint:
    """Fill an empty folder: these tensors, the other parts of a model that it is like, and graphs.

    It has neither a bank (see training/banks.py) nor a local head, which reads the maps of one tower.
    """
    kept = [part for part in like.card.weights if part not in made and not made_anew(like.card, part)]
    copy_parts(like, kept, folder)
    weights = {part: like.card.weights[part] for part in kept}
    weights |= {part: save(like, part, found, folder) for part, found in made.items()}
    write_card(card.model_copy(update={"weights": weights}), folder)
    return export(Checkpoint(folder))


def save(like: Checkpoint, part: str, found: Tensors, folder: Path) -> WeightFile:
    """Write the tensors of a part, under the name that it has in that model."""
    path = folder / Path(like.card.weights[part].file).name
    save_file({key: np.asarray(value, order="C") for key, value in found.items()}, path)
    # Readable by others: a service may run as another user.
    path.chmod(0o644)
    return weight_file(path)
