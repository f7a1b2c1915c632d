"""The towers as torch modules: what the torch engine runs and what is exported to OpenVINO.

Those of timm and MiniLM are here, those of open_clip in `model.backbones.open_clip`.
"""

from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from model.card import Checkpoint
from model.errors import BadWeights, ModelError

Tensors = dict[str, torch.Tensor]


class ImageTower(nn.Module):
    """Picture bytes to unit embeddings. Sketches and photos share it."""

    def __init__(self, backbone: nn.Module, projection: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = projection or nn.Identity()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, size, size, 3) bytes; scaling to -1..1 belongs to the graph so that callers move bytes only."""
        scaled = pixels.permute(0, 3, 1, 2).float() * (2 / 255) - 1
        return F.normalize(self.projection(self.backbone(scaled)), dim=-1)


class TextTower(nn.Module):
    """Token ids to unit sentence vectors: MiniLM, averaged over the words."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


def image_tower(checkpoint: Checkpoint) -> nn.Module:
    """The image tower of a checkpoint, ready to run."""
    if checkpoint.has("open_clip"):
        return _open_clip(checkpoint)[0]
    name = checkpoint.card.image_tower.architecture
    path = checkpoint.file("torch.image")
    tensors = _read(path)
    if path.suffix == ".pth":
        backbone = pretrained(name, tensors)
        return ImageTower(backbone).eval()
    backbone = _backbone(name)
    width = tensors.get("projection.weight")
    projection = None if width is None else nn.Linear(width.shape[1], width.shape[0], bias=False)
    tower = ImageTower(backbone, projection)
    _load(
        tower,
        {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()},
        path,
    )
    return tower.eval()


def pretrained(name: str, tensors: Tensors) -> nn.Module:
    """A timm backbone with an ImageNet file's tensors, which come in timm's order under other names."""
    classifier = timm.create_model(name, pretrained=False)
    names = list(classifier.state_dict())
    if len(names) != len(tensors):
        raise BadWeights(f"{name} has {len(names)} tensors, the file holds {len(tensors)}: not its weights")
    _load(classifier, dict(zip(names, tensors.values(), strict=True)), Path(name))
    classifier.reset_classifier(0)
    backbone: nn.Module = classifier
    return backbone


def text_tower(checkpoint: Checkpoint) -> nn.Module:
    """The text tower of a checkpoint, ready to run; MiniLM's weights stay in their package."""
    if checkpoint.has("open_clip"):
        return _open_clip(checkpoint)[1]
    return minilm(checkpoint.file("torch.text"))


def minilm(path: Path) -> TextTower:
    """A MiniLM from its safetensors file, with its config.json beside it."""
    from transformers import BertConfig, BertModel

    config = BertConfig.from_json_file(str(path.with_name("config.json")))
    backbone = BertModel(config, add_pooling_layer=False)
    tensors = {key: value for key, value in _read(path).items() if not key.startswith("pooler.")}
    tensors.pop("embeddings.position_ids", None)
    _load(backbone, tensors, path)
    return TextTower(backbone).eval()


def _open_clip(checkpoint: Checkpoint) -> tuple[nn.Module, nn.Module]:
    # Imported where it is used: it takes seconds, and the shipped model needs none of it.
    from model.backbones import open_clip

    model = open_clip.opened(checkpoint.file("open_clip"), _read(checkpoint.file("torch.image")))
    return open_clip.ClipImages(model.visual), open_clip.ClipTexts(model)


def _backbone(name: str) -> nn.Module:
    if not timm.is_model(name):
        raise ModelError(f"{name!r} is no architecture of the installed timm: pip install --upgrade timm")
    backbone: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    return backbone


def _read(path: Path) -> Tensors:
    if path.suffix == ".safetensors":
        return load_file(path)
    tensors: Tensors = torch.load(path, map_location="cpu", weights_only=True)
    return tensors


def _load(module: nn.Module, tensors: Tensors, path: Path) -> None:
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise BadWeights(f"{path}: not the weights of this architecture: {first}") from None
