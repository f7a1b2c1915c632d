"""What does not learn, run by OpenVINO: in float32, that takes less than half the time that torch takes on a CPU."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model import cores

# Compiling takes some seconds: after so many pictures, they are worth it.
WORTH = 256
_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


# One tensor or several, of a batch of pictures.
Say = Callable[[Tensor], Tensor | tuple[Tensor, ...]]


class Frozen:
    """What a network, on the CPU, says of pictures while it stays as it is.

    The first pictures go through torch, so that a short run does not wait.
    """

    def __init__(self, network: nn.Module, say: Say, worth: int = WORTH) -> None:
        self._network, self._worth = _Saying(network, say), worth
        self._seen = 0
        self._compiled: Any = None

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> tuple[Tensor, ...]:
        self._seen += len(pictures)
        if self._seen <= self._worth:
            found = self._network(pictures)
            return (found,) if isinstance(found, Tensor) else tuple(found)
        if self._compiled is None:
            self._compiled = _compiled(self._network, pictures)
        self._compiled.infer([np.ascontiguousarray(pictures.numpy())])
        # The next batch overwrites what this one returned.
        return tuple(torch.from_numpy(each.data.copy()) for each in self._compiled.output_tensors)

    def first(self, pictures: Tensor) -> Tensor:
        """The only one, or the first, of the results."""
        return self(pictures)[0]


class _Saying(nn.Module):
    def __init__(self, network: nn.Module, say: Say) -> None:
        super().__init__()
        self.network, self._say = network, say

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self._say(pictures)


def _compiled(network: nn.Module, example: Tensor) -> Any:
    # Imported only now: steps on a GPU need no OpenVINO.
    from model.engines.runtime import openvino
    from model.export.openvino import graph_of

    threads = {} if (most := cores.limit()) is None else {"INFERENCE_NUM_THREADS": most}
    graph = openvino.Core().compile_model(graph_of(network, example), "CPU", _OPTIONS | threads)
    return graph.create_infer_request()
