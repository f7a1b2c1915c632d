"""Training methods by name, also for model cards: looking one up does not import torch.

To add one: a file in `model/training/methods/` and a line here (docs/extending.md).
"""

from typing import Any

from model.registry import Registry

# Subclasses of model.training.methods.base.Method, which this table must not know: a card is checked against it.
METHODS: Registry[Any] = Registry(
    "training method",
    {
        "caae": "model.training.methods.caae:Caae",
        "clip-at": "model.training.methods.clip_at:ClipAt",
        "cmsd": "model.training.methods.cmsd:Cmsd",
        "cvae": "model.training.methods.cvae:Cvae",
        "egff": "model.training.methods.egff:Egff",
        "hif": "model.training.methods.hif:Hif",
        "ivt": "model.training.methods.ivt:Ivt",
        "ma-sbir": "model.training.methods.masbir:Masbir",
        "pcmsn": "model.training.methods.pcmsn:Pcmsn",
        "ridge": "model.training.methods.ridge:Ridge",
        "sad": "model.training.methods.sad:Sad",
        "sake": "model.training.methods.sake:Sake",
        "siamese": "model.training.methods.siamese:Siamese",
        "stl": "model.training.methods.stl:Stl",
        "zse": "model.training.methods.zse:Zse",
    },
)
