"""The towers of a model folder as torch modules: what the torch engines run and what is exported to OpenVINO."""

from torch import nn

from model.backbones import BACKBONES
from model.backbones.base import Backbone
from model.card import Checkpoint


def family(checkpoint: Checkpoint) -> Backbone:
    """The backbone that the card names; raises UnknownName where this installation lacks it."""
    return BACKBONES.load(checkpoint.card.backbone, str(checkpoint.folder / "card.json"))()


def image_tower(checkpoint: Checkpoint) -> nn.Module:
    """Picture bytes to unit embeddings, ready to run."""
    return family(checkpoint).image_tower(checkpoint)


def text_tower(checkpoint: Checkpoint) -> nn.Module:
    """Token ids to unit vectors, ready to run."""
    return family(checkpoint).text_tower(checkpoint)
