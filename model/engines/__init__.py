"""What runs a tower. An engine turns pixels and tokens into unit embeddings and knows nothing of modalities."""

import importlib.util
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.card import Checkpoint
from model.errors import NoEngine
from model.modality import Vectors
from model.wordpiece import Tokens

NAMES = ("auto", "openvino", "torch")


class Engine(Protocol):
    """Safe to call from several threads at once."""

    name: str
    device: str

    def embed_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        """(n, size, size, 3) bytes to (n, d) unit vectors."""
        ...

    def embed_texts(self, tokens: Tokens) -> Vectors:
        """Token ids to (n, 384) sentence vectors of unit length."""
        ...


def open_engine(name: str, checkpoint: Checkpoint) -> Engine:
    """The engine of that name; `auto` takes OpenVINO where it is installed, else torch."""
    if name not in NAMES:
        raise NoEngine(f"no engine {name!r}: choose one of {', '.join(NAMES)}")
    installed = {module for module in ("openvino", "torch") if importlib.util.find_spec(module)}
    chosen = name if name != "auto" else "openvino" if "openvino" in installed else "torch"
    if chosen not in installed:
        wanted = "no engine is installed" if name == "auto" else f"{name} is not installed"
        raise NoEngine(f"{wanted}: pip install 'sketchseek[cpu]' (OpenVINO) or 'sketchseek[gpu]' (torch)")
    if chosen == "openvino":
        from model.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(checkpoint)
    from model.engines.torch import TorchEngine

    return TorchEngine(checkpoint)
