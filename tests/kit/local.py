"""A local head with random weights on any model, for tests of what stores and shows local parts."""

import shutil
from pathlib import Path

import torch

from model.backbones.local import fresh
from model.backbones.stages import stages_of
from model.backbones.towers import family
from model.card import LOCAL, Checkpoint
from model.export.folders import write_card
from model.export.local import Trained, add_local, measured_code
from model.modality import Modality

WIDTH, SIDE, STORED_SIDE, NUMBERS = 64, 14, 7, 40


def without_local(model: str | Path, folder: Path) -> Path:
    """Copy a model, but for its local head; the vectors stay the same."""
    shutil.copytree(Checkpoint.find(model).folder, folder)
    card = Checkpoint(folder).card
    kept = {name: file for name, file in card.weights.items() if name != LOCAL}
    write_card(card.model_copy(update={"weights": kept, "reranker": "collection"}), folder)
    return folder


def with_local(model: str | Path, folder: Path, seed: int = 0) -> Path:
    """Copy a model, and give it a local head that reads the stages of Lite2; the vectors stay the same."""
    shutil.copytree(Checkpoint.find(model).folder, folder)
    local_again(folder, seed)
    return folder


def local_again(folder: Path, seed: int) -> None:
    """Give a model a local head of its own, whatever head it has."""
    checkpoint = Checkpoint(folder)
    tower = family(checkpoint).image_tower(checkpoint)
    stages = stages_of(tower.backbone)
    assert stages is not None
    torch.manual_seed(seed)
    head = fresh(
        stages, checkpoint.card.image_tower.size or 224, (2, 3, 4, 6), (4, 6), width=WIDTH, side=SIDE
    )
    tokens = torch.nn.functional.normalize(torch.randn(500, WIDTH), dim=1)
    basis, step = measured_code(tokens, NUMBERS)
    encodings = {kind: 0.1 * torch.randn(WIDTH) for kind in (Modality.SKETCH, Modality.PHOTO)}
    add_local(folder, Trained(head, encodings, 0.5, basis, step, STORED_SIDE))
