"""Batches on a CPU: each core takes pictures of its own, so that none waits for the others after every layer.

One picture is encoded sooner if all cores share it; many are encoded sooner, and in less memory, if they do not.
"""

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.engines.runtime import openvino
from model.modality import Vectors

# Compiled with this, a network has as many streams as suit the machine.
HINT = "THROUGHPUT"
# More pictures at a time are no faster, and each takes eight megabytes per stream.
_MOST = 4


class Streams:
    """A network compiled for throughput. Callers take turns: one batch keeps all cores busy."""

    def __init__(self, network: openvino.CompiledModel) -> None:
        self._network = network
        self._jobs = self._queue()
        self._turn = threading.Lock()

    def __call__(self, pixels: NDArray[np.uint8]) -> Vectors:
        found: list[Vectors] = []
        with self._turn:
            try:
                for place, part in enumerate(_parts(len(pixels), len(self._jobs))):
                    found.append(np.empty(0, np.float32))
                    self._jobs.start_async([pixels[part]], (found, place))
                self._jobs.wait_all()
            except BaseException:
                # A queue raises an error once more for every batch that follows.
                self._jobs = self._queue()
                raise
        return np.concatenate(found)

    def _queue(self) -> openvino.AsyncInferQueue:
        queue = openvino.AsyncInferQueue(self._network)
        queue.set_callback(_keep)
        return queue


def _keep(request: openvino.InferRequest, mine: tuple[list[Vectors], int]) -> None:
    found, place = mine
    found[place] = request.get_output_tensor(0).data.copy()


def _parts(count: int, streams: int) -> Iterable[slice]:
    """Parts of few sizes, because a network keeps memory for every size: equal ones, and the rest one by one."""
    size = max(1, min(_MOST, count // streams))
    whole = count // size * size
    yield from (slice(at, at + size) for at in range(0, whole, size))
    yield from (slice(at, at + 1) for at in range(whole, count))
