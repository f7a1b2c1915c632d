"""Training methods by name, for the card of a model as well: asking this table imports no torch."""

from typing import Any

from model.registry import Registry

METHODS: Registry[Any] = Registry(
    "training method",
    {
        "ma-sbir": "model.training.methods.masbir:Masbir",
    },
)
