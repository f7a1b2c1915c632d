"""Patch shuffle (CLIP-AT): the four quadrants of a picture change places."""

from itertools import permutations

import torch
from torch import Tensor

from model.errors import ModelError

# Every order of the quadrants: upper left, upper right, lower left, lower right.
ORDERS = torch.tensor(list(permutations(range(4))))


def shuffled(maps: Tensor, orders: Tensor) -> Tensor:
    """Maps (n, channels, height, width) whose place q shows quadrant `orders[:, q]` (n, 4)."""
    count, channels, height, width = maps.shape
    if height % 2 or width % 2:
        raise ModelError(
            f"a map of {height} x {width} has no four equal quadrants: freeze another number of stages, or set `size`"
        )
    parts = (
        maps.reshape(count, channels, 2, height // 2, 2, width // 2).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    )
    moved = parts[torch.arange(count, device=maps.device)[:, None], orders.to(maps.device)]
    return (
        moved.reshape(count, 2, 2, channels, height // 2, width // 2)
        .permute(0, 3, 1, 4, 2, 5)
        .reshape(maps.shape)
    )


def two_orders(count: int) -> tuple[Tensor, Tensor]:
    """For each of some pictures an order at random and, at random, another one."""
    first = torch.randint(len(ORDERS), (count,))
    other = (first + torch.randint(1, len(ORDERS), (count,))) % len(ORDERS)
    return ORDERS[first], ORDERS[other]
