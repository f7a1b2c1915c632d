"""Groups of cells: those whose matches lie together become one, and there are never too many."""

import numpy as np

from model.local.groups import groups
from model.local.parts import centres

SIDE = 14


def cells(*rows: tuple[int, int]) -> np.ndarray:
    every = centres(SIDE)
    return np.stack([every[y * SIDE + x] for x, y in rows])


def test_two_strokes_that_match_two_places_are_two_groups() -> None:
    one, other = [(x, 2) for x in range(2, 6)], [(x, 11) for x in range(8, 12)]
    begins = cells(*one, *other)
    labels = groups(begins, begins + 0.05, np.ones(8), 1 / SIDE, 8)
    assert len(set(labels)) == 2
    assert len(set(labels[:4])) == len(set(labels[4:])) == 1


def test_a_stroke_whose_halves_match_far_apart_is_two_groups() -> None:
    begins = cells(*((x, 5) for x in range(2, 10)))
    ends = begins.copy()
    ends[4:, 1] += 0.5
    labels = groups(begins, ends, np.ones(8), 1 / SIDE, 8)
    assert labels[0] == labels[3] != labels[4] == labels[7]


def test_what_is_scattered_all_over_is_still_few_groups() -> None:
    begins = cells(*((x, y) for x in range(0, SIDE, 2) for y in range(0, SIDE, 2)))
    chance = np.random.default_rng(0)
    ends = chance.random(begins.shape, dtype=np.float32)
    for most in (1, 5, 8):
        assert len(set(groups(begins, ends, np.ones(len(begins)), 1 / SIDE, most))) <= most


def test_one_cell_and_cells_without_any_weight() -> None:
    assert list(groups(cells((3, 3)), cells((4, 4)), np.ones(1), 1 / SIDE, 8)) == [0]
    begins = cells((1, 1), (2, 1), (3, 1))
    assert len(set(groups(begins, begins, np.zeros(3), 1 / SIDE, 8))) == 1
