"""Shuffled quadrants, place by place."""

import pytest
import torch

from model.errors import ModelError
from model.training.blocks.quadrants import ORDERS, shuffled, two_orders


def test_each_place_shows_the_quadrant_that_its_order_names() -> None:
    shown = torch.randn(2, 3, 4, 6)
    orders = torch.tensor([[2, 0, 3, 1], [0, 1, 3, 2]])
    found = shuffled(shown, orders)

    def quadrant(maps: torch.Tensor, number: int) -> torch.Tensor:
        down, across = divmod(number, 2)
        return maps[..., 2 * down : 2 * down + 2, 3 * across : 3 * across + 3]

    for picture in range(2):
        for place, source in enumerate(orders[picture].tolist()):
            assert torch.equal(quadrant(found[picture], place), quadrant(shown[picture], source))


def test_the_first_order_leaves_a_map_as_it_is() -> None:
    shown = torch.randn(1, 2, 4, 4)
    assert torch.equal(shuffled(shown, ORDERS[:1]), shown)


def test_two_orders_of_a_picture_differ_and_all_come_up() -> None:
    torch.manual_seed(0)
    one, other = two_orders(2000)
    assert not bool((one == other).all(dim=1).any())
    for orders in (one, other):
        assert len({tuple(order) for order in orders.tolist()}) == 24
        assert all(sorted(order) == [0, 1, 2, 3] for order in orders.tolist())


def test_a_map_without_equal_quadrants_is_refused() -> None:
    with pytest.raises(ModelError, match="a map of 7 x 4 has no four equal quadrants"):
        shuffled(torch.zeros(1, 1, 7, 4), ORDERS[:1])
