"""The networks that turn pixels and tokens into features, and where their weights come from.

To add a family of image networks: a module here with a class that has what `model.backbones.base.Backbone` names,
and a line in this table (docs/extending.md). Asking the table imports no torch.
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
    },
)
