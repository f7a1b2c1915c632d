"""Load weight files into a network: all tensors, or an error of one line that says what does not fit."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model.errors import BadWeights


def read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, or of torch's own format without executing anything in it."""
    if path.suffix == ".safetensors":
        return load_file(path)
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors


def load(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load weights into a network; `path` is where they come from, for the error message."""
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        # Of a wrong architecture, torch names all tensors.
        what = shorten(first, 200, placeholder=" ...")
        raise BadWeights(f"{path}: not the weights of this architecture: {what}") from None


def full_precision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert fp16 weights to float32; counters stay integers."""
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
