"""torch: the reference that the other engines are compared with, and the road to a GPU."""

import threading
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.card import Checkpoint
from model.modality import Vectors
from model.towers import image_tower, text_tower
from model.wordpiece import Tokens


class TorchEngine:
    name = "torch"

    def __init__(self, checkpoint: Checkpoint, device: str | None = None) -> None:
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._checkpoint = checkpoint
        self._image = image_tower(checkpoint).to(self.device)
        self._text_lock = threading.Lock()

    @torch.inference_mode()
    def embed_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        return _numpy(self._image(torch.from_numpy(pixels).to(self.device)))

    @torch.inference_mode()
    def embed_texts(self, tokens: Tokens) -> Vectors:
        with self._text_lock:
            tower = self._text
        ids, mask = (torch.from_numpy(part).to(self.device) for part in (tokens.ids, tokens.mask))
        return _numpy(tower(ids, mask))

    @cached_property
    def _text(self) -> Any:
        return text_tower(self._checkpoint).to(self.device)


def _numpy(tensor: torch.Tensor) -> Vectors:
    result: Vectors = tensor.float().cpu().numpy()
    return result
