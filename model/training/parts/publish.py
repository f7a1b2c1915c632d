"""Write a trained local head beside the tower that it was trained for, into a copy of the model."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.card import LOCAL, Card, Checkpoint, Source
from model.export.folders import new_folder, write_card
from model.export.local import Trained, add_local, measured_code
from model.modality import Modality
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.parts.maps import Maps
from model.training.parts.network import Matcher

USED_FOR = "local parts"
# The code is measured on the tokens of so many photos.
_MEASURED, _AT_ONCE = 1500, 100
_SAID = "; local parts by "


@dataclass(frozen=True)
class Provenance:
    """What the card says about how a head was made."""

    command: str
    sources: Sequence[Source]


@torch.no_grad()
def trained_head(matcher: Matcher, photos: Maps, numbers: int) -> Trained:
    """The head for maps as they are, and the code of its tokens: so many numbers for each, measured on photos."""
    matcher = matcher.cpu().eval()
    rows = np.sort(np.random.default_rng(0).permutation(len(photos))[:_MEASURED])
    tokens = [
        matcher.tokens(matcher.coarse(matcher.cells(photos(rows[at : at + _AT_ONCE]))), PHOTO).flatten(0, 1)
        for at in range(0, len(rows), _AT_ONCE)
    ]
    basis, step = measured_code(torch.cat(tokens), numbers)
    kinds = {Modality.SKETCH: SKETCH, Modality.PHOTO: PHOTO}
    encodings = {kind: matcher.encodings[row].detach() for kind, row in kinds.items()}
    return Trained(matcher.folded(), encodings, float(matcher.cost.detach()), basis, step, matcher.stored)


def write_model(
    checkpoint: Checkpoint,
    trained: Trained,
    folder: Path,
    provenance: Provenance,
    measured: Callable[[Path], dict[str, Any]],
) -> Checkpoint:
    """Copy the model and add the head to the copy, all or nothing.

    `measured` gives figures of the finished model for its card.
    """
    with new_folder(folder) as beside:
        card = _card(checkpoint.card, provenance)
        again = {weight.file for part, weight in checkpoint.card.weights.items() if part not in card.weights}
        # The copy is ours to change, even if the model is one that this user may only read.
        for path in checkpoint.folder.iterdir():
            if path.is_file() and path.name not in again:
                shutil.copyfile(path, beside / path.name)
        write_card(card, beside)
        done = add_local(beside, trained)
        if figures := measured(beside):
            both = done.card.figures | {USED_FOR: figures}
            write_card(done.card.model_copy(update={"figures": both}), beside)
    return Checkpoint(folder)


def _card(card: Card, provenance: Provenance) -> Card:
    """The card, without what it says of an earlier head, and without what is exported again."""
    tower = tuple(source for source in card.learned_from if source.used_for != USED_FOR)
    figures = {name: each for name, each in card.figures.items() if name != USED_FOR}
    return card.model_copy(
        update={
            "description": card.description.partition(_SAID)[0] + _SAID + provenance.command,
            "learned_from": (*tower, *provenance.sources),
            "figures": figures,
            "weights": {
                part: weight
                for part, weight in card.weights.items()
                if weight.package or not (part == LOCAL or part.startswith("openvino."))
            },
        }
    )
