"""Files of weights to the tensors of a network: all of them, or one line that says what does not fit."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model.errors import BadWeights


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of torch's own format, of which nothing is run."""
    if path.suffix == ".safetensors":
        return load_file(path)
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors


def load(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network its weights; `path` is where they come from, for whoever reads the error."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise BadWeights(f"{path}: not the weights of this architecture: {first}") from None


def full_precision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights are kept as halves; counters stay whole numbers."""
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
