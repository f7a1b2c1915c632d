"""What is needed next is made while what came before is worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

Part = TypeVar("Part")
Made = TypeVar("Made")


def ahead(make: Callable[[Part], Made], parts: Iterable[Part]) -> Iterator[tuple[Part, Made]]:
    """Each part with what `make` made of it, in order; while one is made, `make` begins the next."""
    begun: deque[tuple[Part, Future[Made]]] = deque()
    with ThreadPoolExecutor(2, thread_name_prefix="ahead") as pool:
        for part in parts:
            begun.append((part, pool.submit(make, part)))
            if len(begun) > 2:
                first, made = begun.popleft()
                yield first, made.result()
        for first, made in begun:
            yield first, made.result()


class Prefetcher:
    """Batches for a GPU. `make` returns the inputs of a step, on the CPU; consecutive steps do not wait for it.

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
