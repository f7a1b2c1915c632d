"""The same model with more looks at each picture: slower, and nearer to what the picture shows."""

from collections.abc import Sequence
from pathlib import Path

from model.card import Checkpoint
from model.export.folders import copy_parts, new_folder, write_card
from model.looks import Look


def with_looks(
    checkpoint: Checkpoint, folder: Path, looks: Sequence[Look], name: str | None = None
) -> Checkpoint:
    """Write a copy that looks like this to a new folder, all or nothing.

    It has a local head where the model has one, but no bank (see training/banks.py): that belongs to one model only.
    """
    card = checkpoint.card
    kept = {part: weight for part, weight in card.weights.items() if part != "bank"}
    used = {
        "name": name or f"{card.name}-mirrored",
        "description": f"{card.description}; looks at each picture: {', '.join(looks)}",
        "looks": tuple(looks),
        "weights": kept,
        # Those of the model that looks once do not apply.
        "figures": {},
    }
    with new_folder(folder) as beside:
        copy_parts(checkpoint, kept, beside)
        # Checked as it would be when it is read.
        write_card(type(card).model_validate(card.model_dump() | used), beside)
    return Checkpoint(folder)
