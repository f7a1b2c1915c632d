"""Groups that are found, filled, and the same each time; means that follow."""

import itertools

import pytest
import torch
from torch import Tensor

from model.training.blocks.clusters import filled, follow, kmeans, means


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def heaps(count: int, each: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    noise = 0.05 * torch.randn(count * each, 16, generator=generator)
    which = torch.arange(count).repeat_interleave(each)
    return unit(torch.eye(16)[which] + noise), which


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_heaps_whatever_the_seed(seed: int) -> None:
    vectors, which = heaps(6, 7)
    own = kmeans(vectors, 6, seed)
    pairs = set(zip(which.tolist(), own.tolist(), strict=True))
    assert len(pairs) == len(set(own.tolist())) == 6


def test_the_same_vectors_and_seed_give_the_same_groups() -> None:
    vectors = unit(torch.randn(60, 5, generator=torch.Generator().manual_seed(1)))
    state = torch.get_rng_state()
    first, other = kmeans(vectors, 9, 1), kmeans(vectors, 9, 1)
    assert torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state()), "nobody else's random numbers are used up"


def test_it_ends_where_each_is_nearest_to_its_own_mean() -> None:
    vectors = unit(torch.randn(80, 4, generator=torch.Generator().manual_seed(2)))
    own = kmeans(vectors, 5, 0, rounds=200)
    assert torch.equal((vectors @ means(vectors, own, 5).T).argmax(dim=1), own)


@pytest.mark.parametrize("count", [1, 4, 7])
def test_no_group_is_empty_even_among_equal_vectors(count: int) -> None:
    vectors = torch.eye(3)[[0] * 5 + [1]]
    own = kmeans(vectors, count, 0)
    assert set(own.tolist()) == set(range(min(count, 6)))


def test_an_empty_group_gets_what_fits_worst_where_it_is_not_alone() -> None:
    near = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.1, 0.0], [0.0, 0.2, 0.0], [0.8, 0.0, 0.0]])
    assert filled(near, torch.tensor([0, 0, 1, 0]), 3).tolist() == [0, 2, 1, 0]


def test_means_are_of_unit_length_and_zero_without_vectors() -> None:
    vectors, groups = unit(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])), torch.tensor([2, 2, 0])
    found = means(vectors, groups, 3)
    root = 0.5**0.5
    assert torch.allclose(found, torch.tensor([[root, root], [0.0, 0.0], [root, root]]))


def test_means_follow_what_is_shown_and_no_other() -> None:
    table = torch.eye(3)
    shown = torch.eye(3)[[1, 1, 2]]
    follow(table, shown, torch.tensor([0, 0, 0]), 0.9)
    assert torch.equal(table[1:], torch.eye(3)[1:])
    wanted = unit(torch.tensor([0.9, 0.0, 0.0]) + 0.1 * unit(torch.tensor([0.0, 2.0, 1.0])))
    assert torch.allclose(table[0], wanted)
    assert all(row.norm().item() == pytest.approx(1) for row in itertools.chain(table))
