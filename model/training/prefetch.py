"""Prefetch batches for a GPU: the CPU decodes and stacks the next while the GPU works on this one."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor


class Prefetcher:
    """`make` returns the inputs of a step, on the CPU; consecutive steps do not wait for it.

    It must depend only on the step, so that an interrupted run continues with the batch that it would have had.
    """

    def __init__(self, make: Callable[[int], Tensor], device: torch.device) -> None:
        self._make, self._device = make, device
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._next: tuple[int, Future[Tensor]] | None = None

    def __call__(self, step: int) -> Tensor:
        known, self._next = self._next, None
        made = self._pool.submit(self._made, step) if known is None or known[0] != step else known[1]
        found = made.result()
        self._next = step + 1, self._pool.submit(self._made, step + 1)
        # From pinned memory, the GPU copies by itself, and nothing waits for it.
        return found.to(self._device, non_blocking=True)

    def _made(self, step: int) -> Tensor:
        inputs = self._make(step)
        return inputs.pin_memory() if self._device.type == "cuda" else inputs
