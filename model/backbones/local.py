"""The local head: a small network beside an image tower that says what each cell of a picture shows.

It reads the maps of a few stages of the tower, which stays as it is: an index made without it remains valid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from model.backbones import weights
from model.backbones.base import ImageTower
from model.backbones.stages import Stages, stages_of
from model.errors import BadWeights, ModelError

_WIDER = 2


@dataclass(frozen=True)
class Shape:
    """What a head looks like: the stages it reads with their channels and cells per side, and its own sizes."""

    # Stage: (channels, cells per side).
    reads: Mapping[int, tuple[int, int]]
    # Stages that tokens are also a linear map of.
    direct: tuple[int, ...]
    side: int = 14
    width: int = 64
    hidden: int = 192
    blocks: int = 1

    def __post_init__(self) -> None:
        if any(side % self.trunk for side in (self.side, *(side for _, side in self.reads.values()))):
            raise ModelError(
                f"a local head of {self.side} x {self.side} cells does not fit stages of "
                f"{', '.join(str(side) for _, side in self.reads.values())} cells per side: choose other stages"
            )

    @property
    def trunk(self) -> int:
        """Cells per side where the head computes: as many as its coarsest stage has."""
        return min(side for _, side in self.reads.values())


class _Block(nn.Module):
    """Adds to each cell what it finds there and around it; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.here = nn.Conv2d(channels, _WIDER * channels, 1)
        self.around = nn.Conv2d(channels, _WIDER * channels, 1, bias=False)
        self.narrow = nn.Conv2d(_WIDER * channels, channels, 1)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)  # type: ignore[arg-type]

    def forward(self, values: Tensor) -> Tensor:
        # A mean and not a depthwise convolution, whose gradient takes most of the time on a CPU.
        near = F.avg_pool2d(values, 3, 1, 1, count_include_pad=False)
        found: Tensor = values + self.narrow(F.relu(self.here(values) + self.around(near)))
        return found


class LocalHead(nn.Module):
    """Maps of a tower's stages to cells: (n, side, side, width + 1), tokens and how much each cell counts.

    Computes on the grid of the coarsest stage, where a cell knows all that finer maps say of it, and then splits each
    cell into finer ones. A linear map of some stages is added.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        out, self.split = shape.width + 1, shape.side // shape.trunk
        self.enter, self.direct = nn.ModuleDict(), nn.ModuleDict()
        for stage, (channels, side) in shape.reads.items():
            step = side // shape.trunk
            self.enter[str(stage)] = nn.Conv2d(channels, shape.hidden, step, stride=step)
        for stage in shape.direct:
            self.direct[str(stage)] = nn.Conv2d(shape.reads[stage][0], out, 1)
        self.blocks = nn.Sequential(*(_Block(shape.hidden) for _ in range(shape.blocks)))
        self.out = nn.Conv2d(shape.hidden, out * self.split**2, 1)

    def forward(self, maps: Mapping[int, Tensor]) -> Tensor:
        entered = _total([self.enter[str(stage)](maps[stage]) for stage in self.shape.reads])
        cells = F.pixel_shuffle(self.out(self.blocks(F.relu(entered))), self.split)
        for stage in self.shape.direct:
            found = self.direct[str(stage)](maps[stage])
            finer = self.shape.side // self.shape.reads[stage][1]
            cells = cells + (F.interpolate(found, scale_factor=finer, mode="nearest") if finer > 1 else found)
        rows: Tensor = cells.permute(0, 2, 3, 1)
        return rows


def _total(maps: list[Tensor]) -> Tensor:
    total = maps[0]
    for each in maps[1:]:
        total = total + each
    return total


class LocalTower(nn.Module):
    """An image tower with a local head: picture bytes to rows, the unit embedding followed by the cells."""

    scale: Tensor
    shift: Tensor

    def __init__(self, tower: ImageTower, stages: Stages, head: LocalHead) -> None:
        super().__init__()
        self.backbone, self.projection, self.head = tower.backbone, tower.projection, head
        self.register_buffer("scale", tower.scale, persistent=False)
        self.register_buffer("shift", tower.shift, persistent=False)
        self._stages = stages
        self.dimension = self._width()

    def forward(self, pixels: Tensor) -> Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float() * self.scale - self.shift
        values, maps = self._maps(scaled.to(self.head.out.weight.dtype))
        whole = F.normalize(self.projection(self._stages.pooled(values).to(values.dtype)).float(), dim=-1)
        return torch.cat([whole, self.head(maps).float().flatten(1)], dim=1)

    def _width(self) -> int:
        weight = getattr(self.projection, "weight", None)
        network: Any = self.backbone
        return int(network.num_features if weight is None else weight.shape[0])

    def _maps(self, pictures: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """The output of the last stage, and those that the head reads."""
        values, maps = self._stages.enter(pictures), {}
        for number, stage in enumerate(self._stages.later()):
            values = self._stages.run(stage, values)
            if number in self.head.shape.reads:
                maps[number] = values
        return values, maps


def with_head(tower: nn.Module, path: Path) -> LocalTower:
    """The tower with the head of that file; raises BadWeights for networks whose stages are not known."""
    stages = stages_of(tower.backbone) if isinstance(tower, ImageTower) else None
    if not isinstance(tower, ImageTower) or stages is None:
        raise BadWeights(
            f"{path}: this model's image tower has no maps for a local head; leave it out of the card"
        )
    return LocalTower(tower, stages, read_head(path))


def read_head(path: Path) -> LocalHead:
    """Read a head from the `local` part of a model folder."""
    with safe_open(path, "pt") as file:
        shape = _shape(file.metadata() or {}, path)
    head = LocalHead(shape)
    found = {
        name.removeprefix("head."): each
        for name, each in weights.read(path).items()
        if name.startswith("head.")
    }
    weights.load(head, weights.full_precision(found), path)
    return head.eval()


def fresh(stages: Stages, size: int, reads: Sequence[int], direct: Sequence[int], **sizes: int) -> LocalHead:
    """A head with random weights for the stages of a network with inputs of that size."""
    shown: dict[int, tuple[int, int]] = {}
    with torch.no_grad():
        values = stages.enter(torch.zeros(1, 3, size, size))
        for number, stage in enumerate(stages.later()):
            values = stages.run(stage, values)
            if number in reads:
                shown[number] = (values.shape[1], values.shape[-1])
    return LocalHead(Shape(shown, tuple(direct), **sizes))


def described(shape: Shape) -> dict[str, str]:
    """The shape as the metadata of a file of weights."""
    reads = ",".join(f"{stage}:{channels}:{side}" for stage, (channels, side) in shape.reads.items())
    sizes = {name: str(getattr(shape, name)) for name in ("side", "width", "hidden", "blocks")}
    return {"reads": reads, "direct": ",".join(map(str, shape.direct)), **sizes}


def _shape(data: Mapping[str, str], path: Path) -> Shape:
    try:
        reads = {}
        for each in data["reads"].split(","):
            stage, channels, side = map(int, each.split(":"))
            reads[stage] = (channels, side)
        direct = tuple(map(int, filter(None, data["direct"].split(","))))
        return Shape(reads, direct, *(int(data[name]) for name in ("side", "width", "hidden", "blocks")))
    except (KeyError, ValueError):
        raise BadWeights(f"{path}: describes no local head; install sketchseek again") from None
