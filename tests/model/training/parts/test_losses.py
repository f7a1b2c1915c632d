"""The losses of local parts, against loops."""

import math

import torch

from model.local.parts import centres
from model.training.parts.losses import among, both_ways, place_loss


def test_any_of_the_right_photos_will_do() -> None:
    torch.manual_seed(0)
    scores, right = torch.randn(4, 5), torch.rand(4, 5) < 0.4
    right[:, 0] = True
    expected = 0.0
    for row, wanted in zip(scores.tolist(), right.tolist(), strict=True):
        every = sum(math.exp(score) for score in row)
        hits = sum(math.exp(score) for score, hit in zip(row, wanted, strict=True) if hit)
        expected -= math.log(hits / every) / len(scores)
    assert math.isclose(float(among(scores, right)), expected, rel_tol=1e-5)


def test_both_ways_is_the_mean_of_rows_and_columns() -> None:
    torch.manual_seed(1)
    scores, right = torch.randn(4, 4), torch.eye(4, dtype=torch.bool)
    expected = 0.0
    for row in range(4):
        across, down = scores[row].exp().sum(), scores[:, row].exp().sum()
        expected -= float((scores[row, row].exp() / across).log() + (scores[row, row].exp() / down).log()) / 8
    assert math.isclose(float(both_ways(scores, right)), expected, rel_tol=1e-5)


def test_cells_look_for_the_places_that_they_come_from() -> None:
    torch.manual_seed(2)
    side, scale = 3, torch.tensor(4.0)
    sketch, photo = (torch.nn.functional.normalize(torch.randn(2, 9, 5), dim=-1) for _ in range(2))
    places = torch.rand(2, 9, 2)
    places[0, 3] = float("nan")
    places[1, 5] = torch.tensor([1.2, 0.5])  # outside the photo
    middle = torch.from_numpy(centres(side))
    terms = []
    for n in range(2):
        for k in range(9):
            if not places[n, k].isfinite().all() or places[n, k].max() >= 1:
                continue
            near = torch.exp(-((middle - places[n, k]) ** 2).sum(dim=1) / (2 * 0.05**2))
            target = near / near.sum().clamp_min(1e-6)
            chances = (sketch[n, k] @ photo[n].T * scale).softmax(dim=0)
            terms.append(float(-(target * chances.log()).sum()))
    assert len(terms) == 16
    found = float(place_loss(sketch, photo, places, middle, scale))
    assert math.isclose(found, sum(terms) / 16, rel_tol=1e-4)


def test_without_any_known_place_there_is_nothing_to_learn() -> None:
    nothing = torch.full((1, 4, 2), float("nan"))
    tokens = torch.randn(1, 4, 3)
    assert float(place_loss(tokens, tokens, nothing, torch.from_numpy(centres(2)), torch.tensor(1.0))) == 0
