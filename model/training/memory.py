"""What a tower says of the pictures themselves before training, kept for all trainings that start from the same."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.training.state import RunProblem, read_whole, write_whole

Rows = NDArray[np.int64]
# Says something of the pictures in these places, a row for each.
Ask = Callable[[Rows], Tensor]


@dataclass(frozen=True)
class _Said:
    values: Tensor
    known: Tensor

    def with_these(self, places: Rows, found: Tensor) -> "_Said":
        self.values[torch.from_numpy(places)] = found
        self.known[torch.from_numpy(places)] = True
        return self


class Memory:
    """Answers by the place of a picture. What is kept is what the first tower said; others are always asked.

    With a file, that is where answers are kept, for runs that go on or start from the same; `seal` says of what
    pictures they are, and how those were prepared.
    """

    def __init__(self, places: int, file: Path | None = None, seal: str = "") -> None:
        self._places, self._file, self._seal = places, file, seal
        self._first: str | None = None
        self._said: dict[str, _Said] = {}

    def of(self, what: str, tower: nn.Module, places: Rows, ask: Callable[[Rows], Tensor]) -> Tensor:
        """`ask` gets the positions in `places` of those that were not asked before."""
        weights = _digest(tower)
        if self._first is None:
            self._first = weights
        if weights != self._first:
            return ask(np.arange(len(places)))
        kept = self._kept()
        said = kept.get(what)
        missing = np.arange(len(places))
        if said is not None:
            missing = np.flatnonzero(~said.known.numpy()[places])
        if len(missing):
            found = ask(missing)
            if said is None:
                room = torch.zeros(self._places, *found.shape[1:], dtype=found.dtype)
                said = _Said(room, torch.zeros(self._places, dtype=torch.bool))
            self._keep(kept | {what: said.with_these(places[missing], found)})
        assert said is not None
        return said.values[torch.from_numpy(places)]

    def _kept(self) -> dict[str, _Said]:
        if self._file is None:
            return self._said
        try:
            tensors, header = read_whole(self._file)
        except RunProblem:
            return {}
        if header != self._header:
            return {}
        names = {name.rpartition(".")[0] for name in tensors}
        return {name: _Said(tensors[f"{name}.values"], tensors[f"{name}.known"]) for name in names}

    def _keep(self, kept: dict[str, _Said]) -> None:
        if self._file is None:
            self._said = kept
            return
        tensors = {
            f"{name}.{part}": value for name, said in kept.items() for part, value in vars(said).items()
        }
        write_whole(self._file, tensors, self._header)

    @property
    def _header(self) -> dict[str, str]:
        return {"seal": self._seal, "tower": self._first or "", "places": str(self._places)}


def _digest(tower: nn.Module) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for value in tower.state_dict().values():
        whole.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()
