"""torch on a GPU: pictures through recorded graphs in half precision, words directly."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model import gpu
from model.backbones.towers import image_tower, text_tower
from model.card import Checkpoint
from model.engines.cuda_batches import MOST
from model.engines.cuda_graphs import Recorded, on
from model.errors import DeviceProblem
from model.modality import Vectors
from model.words.tokens import Tokens

log = logging.getLogger("sketchseek")

# Share of the free memory: the index needs most of a GPU.
_SHARE = 4


class CudaEngine:
    """Runs one batch at a time; callers from several threads wait for each other.

    `budget`: bytes of GPU memory that one batch may use, 0 for a quarter of what is free.
    """

    name = "torch-cuda"

    def __init__(
        self, checkpoint: Checkpoint, device: str = "cuda", *, budget: int = 0, most: int = MOST
    ) -> None:
        self.problem: str | None = None
        self._checkpoint = checkpoint
        self._lock = threading.Lock()
        self._device, self.device = torch.device(device), device
        if self._device.type == "cuda":
            found = gpu.find(device)
            self._device, self.device = torch.device(found.device), f"{found.device} ({found.name})"
            budget = budget or found.free // _SHARE
        with gpu.explained():
            side = checkpoint.card.image_tower.size or 224
            self._images = Recorded(image_tower(checkpoint), side, self._device, budget, most)

    @property
    def batch(self) -> int:
        """The best number of pictures to encode at once."""
        return self._images.largest

    def embed_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        with self._lock, self._working():
            return self._images(pixels)

    def embed_texts(self, tokens: Tokens) -> Vectors:
        with self._lock, self._working(), torch.inference_mode(), on(self._device):
            ids, mask = (torch.from_numpy(part).to(self._device) for part in (tokens.ids, tokens.mask))
            result: Vectors = self._text(ids, mask).float().cpu().numpy()
            return result

    @cached_property
    def _text(self) -> Any:
        # In full precision: a few words are little work for a GPU, and most searches are drawings.
        return text_tower(self._checkpoint).to(self._device)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Guard work on the GPU. After an error that loses it to the process, all further work is refused at once."""
        if self.problem is not None:
            raise DeviceProblem(self.problem)
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            line = gpu.meaning(error)
            if line is None:
                raise
            if gpu.is_fatal(error):
                self.problem = line
                log.error("%s (%s)", line, str(error).splitlines()[0])
            raise DeviceProblem(line) from error
