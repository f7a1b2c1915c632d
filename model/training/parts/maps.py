"""What a local head reads: the maps of a frozen tower's stages, computed once for all pictures that training shows.

Files of halves, one for each stage, channels last; a rerun with the same pictures and the same tower uses them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from model.backbones.base import ImageTower
from model.backbones.local import Shape
from model.backbones.stages import stages_of
from model.backbones.towers import family
from model.card import Checkpoint
from model.errors import ModelError
from model.modality import Pixels
from model.training.cache import CHUNK
from model.training.frozen import Frozen
from model.training.parts.showing import Picture, Shown
from model.training.prefetch import ahead

Halves = NDArray[np.float16]
# How many pictures are done, of how many, and how many were before.
Say = Callable[[int, int, int], None]
# Changes whenever the same pictures would give other maps.
_LAYOUT = 1


class Reader:
    """The frozen tower of a model, up to the last of the stages that a head reads."""

    def __init__(self, checkpoint: Checkpoint, reads: Sequence[int], device: torch.device) -> None:
        tower = family(checkpoint).image_tower(checkpoint)
        stages = stages_of(tower.backbone) if isinstance(tower, ImageTower) else None
        if not isinstance(tower, ImageTower) or stages is None:
            raise ModelError(
                f"model {checkpoint.card.name!r}: its image tower has no stages to read; use a model whose tower is an "
                "EfficientNet or a ResNet of timm"
            )
        count = len(stages.later())
        if not reads or not set(reads) <= set(range(count)):
            raise ModelError(
                f"model {checkpoint.card.name!r} has no stages {_listed(reads)}: give some of 0 to {count - 1}"
            )
        self.size = checkpoint.card.image_tower.size or 224
        self.how = checkpoint.card.preparation
        self.reads = tuple(sorted(set(reads)))
        self.digest = f"{checkpoint.card.fingerprint} {self.reads}"
        self._device, self._tower, self._stages = device, tower.to(device).eval(), stages
        self._read = Frozen(tower, self._maps) if device.type == "cpu" else self._maps

    @torch.no_grad()
    def __call__(self, pixels: Sequence[Pixels]) -> dict[int, Tensor]:
        """Maps (n, channels, height, width) of prepared pictures."""
        found = self._read(torch.from_numpy(np.stack(pixels)).to(self._device))
        return dict(zip(self.reads, found, strict=True))

    def _maps(self, pictures: Tensor) -> tuple[Tensor, ...]:
        scaled = pictures.permute(0, 3, 1, 2).float() * self._tower.scale - self._tower.shift
        values, found = self._stages.enter(scaled), []
        for number, stage in enumerate(self._stages.later()[: self.reads[-1] + 1]):
            values = self._stages.run(stage, values)
            if number in self.reads:
                found.append(values)
        return tuple(found)

    def shape(self, **sizes: int) -> Shape:
        """The shape of a head for these stages: it computes on the coarsest grid and answers on one twice as fine.

        Tokens start as a linear map of the last two stages that are no finer than that.
        """
        blank = np.zeros((self.size, self.size, 3), dtype=np.uint8)
        found = {stage: (each.shape[1], each.shape[-1]) for stage, each in self([blank]).items()}
        trunk = min(side for _, side in found.values())
        if trunk < 2 or any(side % trunk for _, side in found.values()):
            raise ModelError(
                f"stages {_listed(self.reads)} have no grids that fit together: give others, with --stages"
            )
        direct = [stage for stage, (_, side) in found.items() if side <= 2 * trunk][-2:]
        return Shape(found, tuple(direct), side=2 * trunk, **sizes)


def _listed(stages: Sequence[int]) -> str:
    return ",".join(map(str, stages))


@dataclass(frozen=True)
class Maps:
    """The maps of some pictures: {stage: (n, height, width, channels)}; how much ink each cell has; where it is from.

    `ink` (n, side, side) is from 0 to 255, `places` (n, side, side, 2) as `pseudo` gives them, NaN for other pictures.
    """

    stages: Mapping[int, Halves]
    ink: Halves
    places: Halves

    def __len__(self) -> int:
        return len(self.ink)

    def __call__(self, rows: NDArray[np.int64]) -> dict[int, Tensor]:
        """Maps (n, channels, height, width), channels last in memory."""
        return {
            stage: torch.from_numpy(each[rows].astype(np.float32)).permute(0, 3, 1, 2)
            for stage, each in self.stages.items()
        }


def mapped(
    pictures: Sequence[Picture], reader: Reader, side: int, folder: Path, say: Say = lambda *_: None
) -> Maps:
    """Read the maps of pictures from a folder, or compute them and write them there."""
    done = folder / "done"
    signature = _signature(pictures, reader, side)
    if not (done.is_file() and done.read_text() == signature):
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        _fill(pictures, reader, side, folder, say)
        done.write_text(signature)
    opened = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    stages = {stage: opened[f"stage-{stage}"] for stage in reader.reads}
    return Maps(stages, opened["ink"], opened["places"])


def _fill(pictures: Sequence[Picture], reader: Reader, side: int, folder: Path, say: Say) -> None:
    files: dict[str, Any] = {}

    def put(start: int, name: str, values: NDArray[Any]) -> None:
        if name not in files:
            shape = (len(pictures), *values.shape[1:])
            files[name] = open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.float16, shape=shape)
        files[name][start : start + len(values)] = values

    with ThreadPoolExecutor() as pool:

        def drawn(start: int) -> list[Shown]:
            part = pictures[start : start + CHUNK]
            return [*pool.map(lambda each: each.shown(reader.size, side, reader.how), part)]

        for start, shown in ahead(drawn, range(0, len(pictures), CHUNK)):
            for stage, values in reader([each.pixels for each in shown]).items():
                put(start, f"stage-{stage}", values.permute(0, 2, 3, 1).cpu().numpy())
            put(start, "ink", np.stack([_ink(each, side) for each in shown]))
            put(start, "places", np.stack([each.places for each in shown]))
            say(start + len(shown), len(pictures), start)
    for each in files.values():
        each.flush()


def _ink(shown: Shown, side: int) -> NDArray[np.float32]:
    size = len(shown.pixels) // side * side
    ink = 255 - shown.pixels[:size, :size].mean(axis=2, dtype=np.float32)
    found: NDArray[np.float32] = ink.reshape(side, size // side, side, size // side).mean(axis=(1, 3))
    return found


def _signature(pictures: Sequence[Picture], reader: Reader, side: int) -> str:
    lines = [f"{_LAYOUT} {reader.digest} {side}", *map(str, pictures)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
