"""An image tower on a GPU: half precision, one recorded graph per batch size, copies that overlap computation.

With the device `cpu`, everything except recording and streams runs without a GPU; the tests do that.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.engines.cuda_batches import MOST, largest_batch, parts, sizes_up_to
from model.engines.precision import quickest, trial_pixels
from model.gpu import is_out_of_memory
from model.modality import Vectors, unit

log = logging.getLogger("sketchseek")

_WARM_UP = 3


class Recorded:
    """An image tower; one call at a time. `budget`: bytes of GPU memory that one batch may use."""

    def __init__(
        self, tower: nn.Module, side: int, device: torch.device, budget: int, most: int = MOST
    ) -> None:
        self._device = device
        whole = tower.to(device).to(memory_format=torch.channels_last)
        self._embedding: int | None = getattr(tower, "dimension", None)
        fit = quickest(whole, trial_pixels(side, device))
        del whole
        with torch.inference_mode(), on(device):
            largest = largest_batch(partial(_peak, fit, side, device), budget, most)
            self._slots = [_Slot(largest, side, device) for _ in range(2)]
            pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None
            # The largest first: the others then fit into its memory.
            sizes = reversed(sizes_up_to(largest))
            self.steps = {size: Step(fit, size, side, device, pool) for size in sizes}

    @property
    def largest(self) -> int:
        return max(self.steps)

    def __call__(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Compute unit vectors; if memory runs out, continue with smaller batches."""
        with torch.inference_mode(), on(self._device):
            while True:
                try:
                    return self._unit(self._embed(pixels))
                except Exception as error:
                    if not is_out_of_memory(error) or self.largest == 1:
                        raise
                # Outside the handler, so that the memory of the failed batch is free again.
                self._halve()

    def _unit(self, rows: Vectors) -> Vectors:
        """The embeddings at unit length again; the cells that may follow them are no unit vectors."""
        if self._embedding is None:
            return unit(rows)
        rows[:, : self._embedding] = unit(rows[:, : self._embedding])
        return rows

    def _embed(self, pixels: NDArray[np.uint8]) -> Vectors:
        first = next(iter(self.steps.values())).vectors
        found = torch.empty((len(pixels), first.shape[1]), pin_memory=first.is_cuda)
        at = 0
        for turn, (count, size) in enumerate(parts(len(pixels), tuple(sorted(self.steps)))):
            slot, step = self._slots[turn % 2], self.steps[size]
            slot.fill(pixels[at : at + count])
            slot.hand_over(count, step.pixels)
            step.launch()
            found[at : at + count].copy_(step.vectors[:count], non_blocking=True)
            at += count
        if first.is_cuda:
            torch.cuda.current_stream().synchronize()
        return found.numpy()

    def _halve(self) -> None:
        log.warning("GPU memory is short: using batches of %d instead of %d", self.largest // 2, self.largest)
        del self.steps[self.largest]
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


class Step:
    """One batch size: memory for its pixels, and a launch that turns them into `vectors`."""

    def __init__(self, tower: nn.Module, size: int, side: int, device: torch.device, pool: Any) -> None:
        self.pixels = torch.zeros((size, side, side, 3), dtype=torch.uint8, device=device)
        self.launch: Callable[[], object]
        if device.type == "cuda":
            self.launch, self.vectors = _recorded(tower, self.pixels, pool)
        else:
            self.vectors = tower(self.pixels).float()
            self.launch = lambda: self.vectors.copy_(tower(self.pixels))


class _Slot:
    """Pinned memory that the GPU reads by itself; the host fills one slot while the GPU works on the other."""

    def __init__(self, most: int, side: int, device: torch.device) -> None:
        on_card = device.type == "cuda"
        shape = (most, side, side, 3)
        self._host = torch.empty(shape, dtype=torch.uint8, pin_memory=on_card)
        self._stream = torch.cuda.Stream(device) if on_card else None  # type: ignore[no-untyped-call]
        if on_card:
            self._there = torch.empty(shape, dtype=torch.uint8, device=device)
            self._uploaded, self._taken = torch.cuda.Event(), torch.cuda.Event()  # type: ignore[no-untyped-call]

    def fill(self, pixels: NDArray[np.uint8]) -> None:
        if self._stream is not None:
            self._uploaded.synchronize()
        self._host[: len(pixels)].copy_(torch.from_numpy(pixels))

    def hand_over(self, count: int, pixels: Tensor) -> None:
        """Copy the first so many to the start of `pixels`, queued on the GPU's stream."""
        if self._stream is None:
            pixels[:count].copy_(self._host[:count])
            return
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(self._taken)
            self._there[:count].copy_(self._host[:count], non_blocking=True)
            self._uploaded.record()
        torch.cuda.current_stream().wait_event(self._uploaded)
        pixels[:count].copy_(self._there[:count])
        self._taken.record()


def _recorded(tower: nn.Module, pixels: Tensor, pool: Any) -> tuple[Callable[[], object], Tensor]:
    """Record a graph of the whole tower: hundreds of launches become one."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    # Searches for the fastest kernels now, not while recording.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                tower(pixels)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the GPU meanwhile.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            vectors = tower(pixels).float()
    return graph.replay, vectors


def _peak(tower: nn.Module, side: int, device: torch.device, size: int) -> int:
    """Peak GPU memory of a batch of this size, in bytes."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    tower(torch.zeros((size, side, side, 3), dtype=torch.uint8, device=device))
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - torch.cuda.memory_allocated(device)


def on(device: torch.device) -> AbstractContextManager[object]:
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
