"""The sizes of a card's batches: how a number of pictures is parted and padded, and how the largest is found."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.engines.cuda_batches import (
    CPU_SIZES,
    in_few_sizes,
    largest_batch,
    parts,
    picture_sizes,
    sizes_up_to,
)
from model.modality import Vectors


@given(count=st.integers(0, 5000), power=st.integers(0, 10))
def test_every_picture_has_one_place_and_little_is_padded(count: int, power: int) -> None:
    found = parts(count, sizes_up_to(2**power))
    assert sum(taken for taken, _ in found) == count
    assert all(0 < taken <= size <= 2**power for taken, size in found)
    assert sum(size for _, size in found) <= 4 / 3 * count
    # Only the last one is padded.
    assert all(taken == size for taken, size in found[:-1])
    assert len(found) <= count // 2**power + power + 1


def test_examples_of_parting() -> None:
    sizes = sizes_up_to(16)
    assert sizes == (1, 2, 4, 8, 16)
    assert parts(1, sizes) == [(1, 1)]
    assert parts(3, sizes) == [(3, 4)]
    assert parts(9, sizes) == [(8, 8), (1, 1)]
    assert parts(13, sizes) == [(13, 16)]
    assert parts(40, sizes) == [(16, 16), (16, 16), (8, 8)]


@given(count=st.integers(1, 200))
def test_on_a_cpu_a_batch_is_parted_into_few_sizes_in_order(count: int) -> None:
    items = np.arange(count, dtype=np.float32)[:, None]
    sizes: list[int] = []

    def embed(part: slice) -> np.ndarray:
        sizes.append(len(items[part]))
        return items[part]

    assert np.array_equal(in_few_sizes(embed, count), items)
    assert set(sizes) <= set(CPU_SIZES)
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("budget", "most", "found"), [(100, 64, 8), (10**9, 64, 64), (0, 64, 1)])
def test_the_largest_batch_stays_within_its_budget(budget: int, most: int, found: int) -> None:
    tried: list[int] = []

    def peak(size: int) -> int:
        tried.append(size)
        return 10 * size

    assert largest_batch(peak, budget, most) == found
    assert tried[0] == 1


def test_the_largest_batch_is_one_for_which_there_is_memory() -> None:
    def peak(size: int) -> int:
        if size > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return 0

    assert largest_batch(peak, 10**9) == 4


def test_other_errors_of_a_batch_are_told() -> None:
    def peak(size: int) -> int:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_batch(peak, 10**9)


def test_few_cores_get_few_pictures_at_once() -> None:
    assert [picture_sizes(cores) for cores in (1, 2, 4, 64)] == [(2, 1), (2, 1), (4, 2, 1), CPU_SIZES]
    sizes: list[int] = []

    def embed(part: slice) -> Vectors:
        sizes.append(part.stop - part.start)
        return np.zeros((part.stop - part.start, 1), dtype=np.float32)

    assert len(in_few_sizes(embed, 7, picture_sizes(2))) == 7
    assert sizes == [2, 2, 2, 1]
