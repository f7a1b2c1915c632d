"""Add a local head to a model folder, or replace the one that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model.backbones.local import LocalHead, described
from model.card import LOCAL, Checkpoint
from model.export.folders import weight_file, write_card
from model.export.openvino import export
from model.modality import Modality

FILE = "local.safetensors"


@dataclass(frozen=True)
class Trained:
    """A local head, and what is known about its tokens.

    `encodings` (width,) are what all tokens of a kind share, `cost` is that of the distance between two cells, and
    `basis` (width, m), `step` (m,) and `stored_side` are how an index keeps tokens (`model.local.coding`).
    """

    head: LocalHead
    encodings: Mapping[Modality, Tensor]
    cost: float
    basis: Tensor
    step: Tensor
    stored_side: int


def add_local(folder: Path, trained: Trained) -> Checkpoint:
    """Write the head beside the tower and export both as one graph; the card changes last."""
    checkpoint = Checkpoint(folder)
    path = _free(folder)
    tensors = {f"head.{name}": each.half() for name, each in trained.head.state_dict().items()}
    tensors |= {kind.value: each.float() for kind, each in trained.encodings.items()}
    tensors |= {"basis": trained.basis.float(), "step": trained.step.float()}
    about = {"cost": str(trained.cost), "stored_side": str(trained.stored_side)}
    save_file(
        {name: each.detach().clone().contiguous() for name, each in tensors.items()},
        path,
        described(trained.head.shape) | about,
    )
    # Readable by others: a service may run as another user.
    path.chmod(0o644)
    card = checkpoint.card
    before = card.weights.get(LOCAL)
    used: dict[str, Any] = {"weights": card.weights | {LOCAL: weight_file(path)}}
    if card.reranker == "collection":
        # The same, and local parts.
        used["reranker"] = "all"
    write_card(card.model_copy(update=used), folder)
    done = export(Checkpoint(folder))
    if before is not None and before.package is None and before.file != path.name:
        before.locate(folder).unlink(missing_ok=True)
    return done


def measured_code(tokens: Tensor, numbers: int) -> tuple[Tensor, Tensor]:
    """A basis and steps that keep the most of unit tokens (n, width) in so many four-bit numbers."""
    _, vectors = torch.linalg.eigh(tokens.T @ tokens / len(tokens))
    basis = vectors[:, -numbers:].flip(1)
    # A rotation spreads what is left evenly, so that one step suits all numbers.
    dice = torch.Generator().manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(numbers, numbers, generator=dice))
    basis = basis @ turn
    # Sixteen levels of a bell curve lose least when a step is a third of its deviation.
    step = (tokens @ basis).std(dim=0) / 3
    return basis.contiguous(), step


def _free(folder: Path) -> Path:
    path, number = folder / FILE, 1
    while path.exists():
        number += 1
        path = folder / f"local-{number}.safetensors"
    return path
