"""The towers of a model folder as torch modules, for the torch engines and for export to OpenVINO."""

from torch import nn

from model.backbones import BACKBONES
from model.backbones.base import Backbone
from model.backbones.local import with_head
from model.card import LOCAL, Checkpoint


def family(checkpoint: Checkpoint) -> Backbone:
    """Return the backbone that the card names; raises UnknownName if this installation lacks it."""
    return BACKBONES.load(checkpoint.card.backbone, str(checkpoint.folder / "card.json"))()


def image_tower(checkpoint: Checkpoint) -> nn.Module:
    """Open the image tower: picture bytes to unit embeddings, followed by the cells of the local head if it has one."""
    tower = family(checkpoint).image_tower(checkpoint)
    if not checkpoint.has(LOCAL):
        return tower
    return with_head(tower, checkpoint.file(LOCAL)).eval()


def text_tower(checkpoint: Checkpoint) -> nn.Module:
    """Open the text tower: token ids to unit vectors."""
    return family(checkpoint).text_tower(checkpoint)
