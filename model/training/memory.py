"""What a tower says of the pictures themselves before training, kept for other trainings that start from the same."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Rows = NDArray[np.int64]
# Says something of the pictures in these places, a row for each.
Ask = Callable[[Rows], Tensor]


@dataclass
class _Said:
    values: Tensor
    known: NDArray[np.bool_]


class Memory:
    """Answers by the place of a picture. What is kept is what the first tower said; others are always asked."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._first: bytes | None = None
        self._said: dict[str, _Said] = {}

    def of(self, what: str, tower: nn.Module, places: Rows, ask: Callable[[Rows], Tensor]) -> Tensor:
        """`ask` gets the positions in `places` of those that were not asked before."""
        weights = _digest(tower)
        if self._first is None:
            self._first = weights
        if weights != self._first:
            return ask(np.arange(len(places)))
        said = self._said.get(what)
        missing = np.arange(len(places)) if said is None else np.flatnonzero(~said.known[places])
        if len(missing):
            found = ask(missing)
            if said is None:
                room = torch.zeros(self._places, *found.shape[1:], dtype=found.dtype)
                said = self._said[what] = _Said(room, np.zeros(self._places, dtype=bool))
            said.values[torch.from_numpy(places[missing])] = found
            said.known[places[missing]] = True
        assert said is not None
        return said.values[torch.from_numpy(places)]


def _digest(tower: nn.Module) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    for value in tower.state_dict().values():
        whole.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return whole.digest()
