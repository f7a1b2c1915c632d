"""Comparing parts: what a score consists of, what distance costs, and that blank paper has no say."""

from dataclasses import replace

import numpy as np
import pytest

from model.local.matching import apart, match, scores, without
from model.local.parts import Parts, centres, coarser, inked
from model.modality import unit

SIDE, WIDTH = 4, 16


def parts(seed: int, blank: int = 0) -> Parts:
    """With random tokens; the first `blank` cells of a drawing have no ink."""
    chance = np.random.default_rng(seed)
    weights = chance.uniform(0.5, 2, SIDE**2).astype(np.float32)
    weights[:blank] = 0
    tokens = unit(chance.standard_normal((SIDE**2, WIDTH)).astype(np.float32))
    return Parts(tokens, centres(SIDE), weights / weights.sum(), SIDE)


AWAY = apart(centres(SIDE), centres(SIDE), 0.5)


def test_many_photos_have_the_scores_of_one_after_another() -> None:
    drawing, photos = parts(0, blank=5), [parts(seed) for seed in range(1, 9)]
    found = scores(drawing, np.stack([photo.tokens for photo in photos]), AWAY)
    assert found == pytest.approx([match(drawing, photo, AWAY).score for photo in photos], abs=1e-5)


def test_contributions_add_up_to_the_score() -> None:
    drawing, photo = parts(0, blank=5), parts(1)
    found = match(drawing, photo, AWAY)
    assert found.contribution.sum() == pytest.approx(found.score, abs=1e-6)
    assert (found.contribution[:5] == 0).all()
    expected = drawing.weights * (found.strength - AWAY[np.arange(SIDE**2), found.photo])
    assert np.allclose(found.contribution, expected, atol=1e-6)


def test_blank_cells_never_count() -> None:
    drawing, photo = parts(0, blank=9), parts(1)
    tokens = drawing.tokens.copy()
    tokens[:9] = photo.tokens[:9]
    other = replace(drawing, tokens=tokens)
    assert match(other, photo, AWAY).score == match(drawing, photo, AWAY).score
    assert scores(other, photo.tokens[None], AWAY) == scores(drawing, photo.tokens[None], AWAY)


def test_scores_without_some_cells_are_those_of_a_photo_that_lacks_them() -> None:
    drawing, photo = parts(0, blank=5), parts(1)
    sets: list[list[int]] = [[], [3], [0, 7, 12], [*range(SIDE**2)]]
    expected = []
    for cells in sets:
        tokens = photo.tokens.copy()
        tokens[cells] = 0
        expected.append(match(drawing, replace(photo, tokens=tokens), AWAY).score)
    assert without(drawing, photo, AWAY, sets) == pytest.approx(expected, abs=1e-6)


def test_a_drawing_fits_itself_best_and_worse_the_farther_it_is_moved() -> None:
    drawing = parts(0)
    moved = [np.roll(drawing.tokens.reshape(SIDE, SIDE, -1), by, axis=1) for by in range(3)]
    found = scores(drawing, np.stack(moved).reshape(3, SIDE**2, -1), AWAY)
    assert found[0] == pytest.approx(1, abs=1e-5)
    assert found[0] > found[1] > found[2]
    free = np.zeros_like(AWAY)
    assert scores(drawing, np.stack(moved).reshape(3, SIDE**2, -1), free) == pytest.approx(1, abs=1e-5)


def test_distance_is_that_of_centres() -> None:
    assert AWAY[0, 0] == 0
    assert AWAY[0, SIDE - 1] == pytest.approx(0.5 * 3 / SIDE)
    assert AWAY[0, SIDE**2 - 1] == pytest.approx(0.5 * 3 / SIDE * 2**0.5)


def test_ink_is_found_in_its_cell_and_a_dot_is_enough() -> None:
    page = np.full((56, 56, 3), 255, dtype=np.uint8)
    page[5, 50] = 200
    assert np.flatnonzero(inked(page, 14)).tolist() == [14 + 12], "paler than a line, but all that there is"
    page[40:44, 20:40] = 0
    assert set(np.flatnonzero(inked(page, 14))) == {14 * 10 + x for x in range(5, 10)}
    assert inked(np.zeros((56, 56, 3), dtype=np.uint8), 14).all()
    assert inked(np.zeros((60, 60, 3), dtype=np.uint8), 14).all(), "sides that no number of cells fills"


def test_a_coarser_grid_has_the_means() -> None:
    cells = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3)
    found = coarser(cells, 2)
    assert found.shape == (2, 2, 2, 3)
    assert np.allclose(found[1, 0, 1], cells[1, :2, 2:].reshape(-1, 3).mean(axis=0))
    assert (coarser(cells, 4) == cells).all()
