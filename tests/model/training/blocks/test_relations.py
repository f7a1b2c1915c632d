"""Relations between labels against loops of plain numbers."""

import math

import pytest
import torch
from torch import Tensor

from model.training.blocks.relations import class_means, following, rows, spread
from model.training.losses.encodings import PHOTO, SKETCH

Numbers = list[float]


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def softmax(values: Numbers) -> Numbers:
    whole = sum(math.exp(value) for value in values)
    return [math.exp(value) / whole for value in values]


def divergence(one: Numbers, other: Numbers) -> float:
    return sum(a * math.log(a / b) for a, b in zip(one, other, strict=True))


def test_means_are_of_labels_with_both_modalities() -> None:
    vectors = random(6, 4)
    labels = torch.tensor([7, 2, 7, 7, 2, 5])
    kinds = torch.tensor([SKETCH, SKETCH, PHOTO, SKETCH, PHOTO, PHOTO])
    found = class_means(vectors, labels, kinds)
    assert found.labels.tolist() == [2, 7]
    seven = vectors[0] + vectors[3]
    assert torch.allclose(found.sketches[1], seven / seven.norm())
    assert torch.allclose(found.sketches[0], vectors[1] / vectors[1].norm())
    assert torch.allclose(found.photos[1], vectors[2] / vectors[2].norm())


def test_rows_are_softmaxes_of_cosines_to_the_other_labels() -> None:
    means = random(4, 5)
    found = rows(means, temperature=0.3).exp()
    middle = [sum(means[:, column].tolist()) / 4 for column in range(5)]
    centred = [[value - centre for value, centre in zip(row, middle, strict=True)] for row in means.tolist()]

    def cosine(one: Numbers, other: Numbers) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))

    for label in range(4):
        near = [cosine(centred[label], centred[other]) / 0.3 for other in range(4) if other != label]
        assert found[label].tolist() == pytest.approx(softmax(near))


def test_what_all_labels_have_in_common_is_of_no_account() -> None:
    means = random(4, 5)
    assert torch.allclose(rows(means + 3), rows(means))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_labels_have_nothing_to_follow(count: int) -> None:
    means = random(count, 5).requires_grad_()
    found = following(rows(random(count, 5, seed=2)), rows(means))
    assert found.item() == pytest.approx(0)
    found.backward()
    assert means.grad is None or bool(torch.isfinite(means.grad).all())


def test_following_is_the_divergence_and_moves_only_who_follows() -> None:
    target, found = random(4, 5).requires_grad_(), random(4, 5, seed=2).requires_grad_()
    loss = following(rows(target), rows(found))
    pairs = zip(rows(target).exp().tolist(), rows(found).exp().tolist(), strict=True)
    assert loss.item() == pytest.approx(sum(divergence(*pair) for pair in pairs) / 4)
    loss.backward()
    assert target.grad is None
    assert found.grad is not None
    assert found.grad.abs().sum() > 0
    assert following(rows(target), rows(target)).item() == pytest.approx(0)


def test_spread_is_the_divergence_of_each_two_classes() -> None:
    apart = random(3, 4)
    drawn = [softmax(row) for row in apart.tolist()]
    wanted = [divergence(drawn[i], drawn[j]) for i in range(3) for j in range(3) if i != j]
    assert spread(apart).item() == pytest.approx(sum(wanted) / len(wanted))


def test_spread_of_equal_distributions_is_zero() -> None:
    same = random(1, 4).expand(3, 4)
    assert spread(same).item() == pytest.approx(0)
    # Distributions are equal where relative distances differ by the same number throughout.
    assert spread(same + torch.tensor([[0.0], [1.0], [-2.0]])).item() == pytest.approx(0)
    assert spread(random(3, 4)).item() > 0.01
