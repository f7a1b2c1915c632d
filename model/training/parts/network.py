"""What is trained: a local head between standardised maps and tokens, and the few numbers that compare tokens."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.backbones.local import LocalHead
from model.local.parts import centres
from model.training.losses.encodings import MODALITIES

_START_COST, _START_SCALE, _START_PLACE_SCALE = 0.5, 20.0, 12.0
_SPREAD = 3.0
_EPSILON = 1e-3


class Matcher(nn.Module):
    """A head, the modality encodings of its tokens, the cost of distance, and the temperatures of its losses.

    `stored` is the side of the grid that pictures are compared on, which an index keeps.
    """

    apart: Tensor

    def __init__(self, head: LocalHead, stored: int) -> None:
        super().__init__()
        self.head: Any = head
        self.stored = stored
        for stage, (channels, _) in head.shape.reads.items():
            self.register_buffer(f"mean{stage}", torch.zeros(channels))
            self.register_buffer(f"scale{stage}", torch.ones(channels))
        nn.init.zeros_(head.out.weight)
        nn.init.zeros_(head.out.bias)  # type: ignore[arg-type]
        self.encodings = nn.Parameter(torch.zeros(MODALITIES, head.shape.width))
        self.cost = nn.Parameter(torch.tensor(_START_COST))
        self.log_scale = nn.Parameter(torch.tensor(_START_SCALE).log())
        self.log_place_scale = nn.Parameter(torch.tensor(_START_PLACE_SCALE).log())
        grid = torch.from_numpy(centres(stored))
        self.register_buffer("apart", torch.cdist(grid, grid), persistent=False)

    def cells(self, maps: Mapping[int, Tensor]) -> Tensor:
        """Cells (n, side, side, width + 1) of maps (n, channels, height, width)."""
        found: Tensor = self.head(self.standardised(maps))
        return found

    def standardised(self, maps: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """The maps as the head reads them: each channel with mean 0 and deviation 1."""
        return {stage: self._standard(stage, each) for stage, each in maps.items()}

    def coarse(self, cells: Tensor) -> Tensor:
        """The same cells on the stored grid."""
        step = self.head.shape.side // self.stored
        return F.avg_pool2d(cells.permute(0, 3, 1, 2), step).permute(0, 2, 3, 1)

    def tokens(self, cells: Tensor, modality: int) -> Tensor:
        """Unit tokens (n, k, width), without what their modality shares."""
        flat = cells.flatten(1, 2)[..., :-1]
        return F.normalize(flat - self.encodings[modality], dim=-1)

    def weights(self, cells: Tensor, inked: Tensor) -> Tensor:
        """How much each cell of drawings counts (n, k): nothing without ink, and one in all."""
        counted = cells.flatten(1, 2)[..., -1].clamp(-_SPREAD, _SPREAD).exp() * inked
        return counted / counted.sum(dim=1, keepdim=True).clamp_min(1e-6)

    def scores(self, sketches: Tensor, weights: Tensor, photos: Tensor) -> Tensor:
        """Scores (q, n) of stored tokens (q, k, width) and (n, k, width), as `model.local.matching` has them."""
        count, cells, width = sketches.shape
        alike = sketches.reshape(-1, width) @ photos.reshape(-1, width).T
        found = alike.view(count, cells, len(photos), cells) - self.cost * self.apart[:, None]
        return (found.amax(dim=-1) * weights[:, :, None]).sum(dim=1)

    @torch.no_grad()
    def standardise(self, maps: Mapping[int, Tensor]) -> None:
        """Measure mean and deviation of each channel."""
        for stage, each in maps.items():
            flat = each.transpose(0, 1).flatten(1)
            getattr(self, f"mean{stage}").copy_(flat.mean(dim=1))
            getattr(self, f"scale{stage}").copy_(1 / (flat.std(dim=1) + _EPSILON))

    @torch.no_grad()
    def folded(self) -> LocalHead:
        """The head for maps as they are: standardising becomes part of its first layers."""
        head = LocalHead(self.head.shape)
        head.load_state_dict(self.head.state_dict())
        first: list[tuple[str, Any]] = [*head.enter.items(), *head.direct.items()]
        for stage, layer in first:
            mean, scale = getattr(self, f"mean{stage}"), getattr(self, f"scale{stage}")
            layer.weight.mul_(scale[:, None, None])
            layer.bias.sub_((layer.weight * mean[:, None, None]).sum(dim=(1, 2, 3)))
        return head.eval()

    def _standard(self, stage: int, values: Tensor) -> Tensor:
        mean, scale = getattr(self, f"mean{stage}"), getattr(self, f"scale{stage}")
        found: Tensor = (values - mean[:, None, None]) * scale[:, None, None]
        return found
