"""Training methods by name, also for model cards: looking one up does not import torch.

To add one: a file in `model/training/methods/` and a line here (docs/extending.md).
"""

from typing import TYPE_CHECKING

from model.registry import Registry

if TYPE_CHECKING:
    from model.training.methods.base import Method

METHODS: Registry["type[Method]"] = Registry(
    "training method",
    {
        "ma-sbir": "model.training.methods.masbir:Masbir",
    },
)
