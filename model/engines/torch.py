"""torch on the CPU, in full precision: the reference for the other engines."""

import threading
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.backbones.towers import image_tower, text_tower
from model.card import Checkpoint
from model.engines.cuda_batches import in_few_sizes
from model.modality import Vectors
from model.words.tokens import Tokens


class TorchEngine:
    name = "torch"
    device = "cpu"
    batch = 16
    problem: str | None = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._image = image_tower(checkpoint)
        self._text_lock = threading.Lock()

    @torch.inference_mode()
    def embed_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        return in_few_sizes(lambda part: _numpy(self._image(torch.from_numpy(pixels[part]))), len(pixels))

    @torch.inference_mode()
    def embed_texts(self, tokens: Tokens) -> Vectors:
        with self._text_lock:
            tower = self._text
        ids, mask = torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask)
        return in_few_sizes(lambda part: _numpy(tower(ids[part], mask[part])), len(ids))

    @cached_property
    def _text(self) -> Any:
        return text_tower(self._checkpoint)


def _numpy(tensor: torch.Tensor) -> Vectors:
    result: Vectors = tensor.float().numpy()
    return result
