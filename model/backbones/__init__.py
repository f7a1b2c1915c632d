"""Backbones: the networks that turn pixels and tokens into features, and where their weights come from.

To add a family of image networks: a module here with a class that implements `model.backbones.base.Backbone`,
and a line in this table (docs/extending.md). Looking up a name does not import torch.
"""

from typing import TYPE_CHECKING

from model.registry import Registry

if TYPE_CHECKING:
    from model.backbones.base import Backbone

BACKBONES: Registry["type[Backbone]"] = Registry(
    "backbone",
    {
        "timm": "model.backbones.timm:Timm",
        "open_clip": "model.backbones.open_clip:OpenClip",
        "overlapping": "model.backbones.overlapping:Overlapping",
        "side-by-side": "model.backbones.side_by_side:SideBySide",
    },
)
