"""Explanations of matches that are known: which parts there are, where, and that they add up."""

import numpy as np
import pytest

from model.local.explaining import MOST_PARTS, Explanation, explained
from model.local.matching import Matches
from model.local.parts import Parts, centres
from model.pictures.areas import WHOLE, Box

SIDE = 14


def parts(inked: set[tuple[int, int]] | None = None) -> Parts:
    """Every cell's token is its own; those of a drawing count the same."""
    weights = np.ones(SIDE**2, dtype=np.float32)
    if inked is not None:
        at = np.array([y * SIDE + x for x, y in inked])
        weights[:] = 0
        weights[at] = 1 / len(at)
    return Parts(np.eye(SIDE**2, dtype=np.float32), centres(SIDE), weights, SIDE)


def shifted(inked: set[tuple[int, int]], x: int, y: int, strength: float = 0.5) -> Matches:
    """Each cell matches the one so far away, equally well."""
    drawn = parts(inked)
    photo = np.arange(SIDE**2) + y * SIDE + x
    found = np.full(SIDE**2, strength, dtype=np.float32)
    return Matches(photo % SIDE**2, found, drawn.weights * found, float((drawn.weights * found).sum()))


def why(inked: set[tuple[int, int]], matches: Matches, area: Box = WHOLE) -> Explanation:
    return explained(parts(inked), parts(), matches, area, WHOLE)


STROKE = {(x, 2) for x in range(1, 4)}
BLOCK = {(x, y) for x in range(9, 12) for y in range(9, 12)}


def test_two_parts_with_their_boxes_places_and_shares() -> None:
    found = why(STROKE | BLOCK, shifted(STROKE | BLOCK, 1, 0))
    block, stroke = found.parts
    assert (stroke.sketch.x, stroke.sketch.y) == pytest.approx((1 / SIDE, 2 / SIDE))
    assert (stroke.sketch.width, stroke.sketch.height) == pytest.approx((3 / SIDE, 1 / SIDE))
    assert (block.photo.x, block.photo.y) == pytest.approx((10 / SIDE, 9 / SIDE))
    assert (stroke.sketch_place, block.sketch_place, block.photo_place) == (
        "top left",
        "bottom right",
        "bottom right",
    )
    assert block.text == "bottom right of the drawing -> bottom right of the photo"
    assert (block.contribution, stroke.contribution) == pytest.approx((0.375, 0.125))
    assert block.strength == pytest.approx(0.5)


def test_boxes_are_of_the_whole_drawing_whatever_area_the_model_saw() -> None:
    area = Box(0.5, -0.1, 0.4, 0.8)
    (stroke,) = why(STROKE, shifted(STROKE, 0, 0), area).parts
    assert stroke.sketch.x == pytest.approx(0.5 + 0.4 / SIDE)
    assert stroke.sketch.y == pytest.approx(-0.1 + 0.8 * 2 / SIDE)
    assert stroke.photo.x == pytest.approx(1 / SIDE)


def test_everything_adds_up_to_the_score_also_by_chance() -> None:
    chance = np.random.default_rng(3)
    for count in (1, 2, 40, SIDE**2):
        inked = {(int(at) % SIDE, int(at) // SIDE) for at in chance.permutation(SIDE**2)[:count]}
        drawn = parts(inked)
        strength = chance.uniform(-1, 1, SIDE**2).astype(np.float32)
        added = drawn.weights * strength
        matches = Matches(chance.integers(0, SIDE**2, SIDE**2), strength, added, float(added.sum()))
        found = why(inked, matches)
        assert 1 <= len(found.parts) <= MOST_PARTS
        assert len(found.patches) == count
        for sums in (
            sum(part.contribution for part in found.parts),
            sum(patch.contribution for patch in found.patches),
            float(found.sketch_attention.sum()),
            float(found.photo_attention.sum()),
        ):
            assert sums == pytest.approx(matches.score, abs=1e-5)
        contributions = [part.contribution for part in found.parts]
        assert contributions == sorted(contributions, reverse=True)
        for number, part in enumerate(found.parts):
            of_part = [patch.contribution for patch in found.patches if patch.part == number]
            assert sum(of_part) == pytest.approx(part.contribution, abs=1e-5)


def test_one_stray_match_does_not_widen_a_part() -> None:
    inked = {(x, 6) for x in range(1, 13)}
    matches = shifted(inked, 0, 0)
    matches.photo[6 * SIDE + 6] = 13 * SIDE + 13
    found = why(inked, matches)
    widest = max(part.photo.height for part in found.parts if part.contribution > 0.1)
    assert widest == pytest.approx(1 / SIDE)
