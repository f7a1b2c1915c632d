"""Each equation of ZSE-SBIR against the plainest way to compute it: loops over numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from model.training.zse import formulas

B, N, M, D, HEADS = 2, 9, 4, 8, 2


@pytest.fixture
def sketch() -> Tensor:
    return torch.randn(B, N, D, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def photo() -> Tensor:
    return torch.randn(B, M, D, generator=torch.Generator().manual_seed(2))


def test_attention_is_a_weighted_mean_of_values_for_each_head(sketch: Tensor, photo: Tensor) -> None:
    found = formulas.attend(sketch, photo, photo * 3, HEADS)
    size = D // HEADS
    for b in range(B):
        for n in range(N):
            for head in range(HEADS):
                part = slice(head * size, (head + 1) * size)
                raw = [float(sketch[b, n, part] @ photo[b, m, part]) / math.sqrt(size) for m in range(M)]
                weights = [math.exp(each - max(raw)) for each in raw]
                mean = sum(w * 3 * photo[b, m, part] for m, w in enumerate(weights)) / sum(weights)
                assert torch.allclose(found[b, n, part], mean, atol=1e-5)


def test_selection_keeps_what_ret_attends_to_in_its_own_order() -> None:
    attention = torch.tensor([[[0.1, 0.5, 0.0, 0.4], [0.3, 0.1, 0.2, 0.4]]])  # means .2 .3 .1 .4
    assert formulas.tokens_kept(attention, 0.5).tolist() == [[1, 3]]
    assert formulas.tokens_kept(attention, 0.51).tolist() == [[0, 1, 3]], "rounded up"
    assert formulas.tokens_kept(attention, 1.0).tolist() == [[0, 1, 2, 3]]


def test_the_authors_norm_divides_by_the_unbiased_deviation(sketch: Tensor) -> None:
    gain, shift = torch.full((D,), 2.0), torch.full((D,), 0.5)
    found = formulas.normed(sketch, gain, shift)[0, 0].tolist()
    row = sketch[0, 0].tolist()
    mean = sum(row) / D
    deviation = math.sqrt(sum((each - mean) ** 2 for each in row) / (D - 1)) + 1e-6
    assert found == pytest.approx([2 * (each - mean) / deviation + 0.5 for each in row], abs=1e-5)


def test_cells_are_places_unless_they_are_scrambled_as_released(sketch: Tensor) -> None:
    found = formulas.cells(sketch)
    for place in range(N):
        assert torch.equal(found[:, :, place // 3, place % 3], sketch[:, place])
    released = formulas.cells(sketch, as_released=True)
    assert torch.equal(released.flatten(), sketch.flatten()), "the same memory, seen as another shape"
    assert not torch.equal(released, found)
    with pytest.raises(ValueError, match="8 tokens are no square map"):
        formulas.cells(sketch[:, :8])


def test_removed_tokens_leave_zeros_that_match_nothing(sketch: Tensor, photo: Tensor) -> None:
    kept = torch.tensor([[0, 2, 5, 8], [1, 3, 4, 7]])
    whole = formulas.spread(photo, kept, N)
    for b in range(B):
        for n in range(N):
            expected = photo[b, kept[b].tolist().index(n)] if n in kept[b].tolist() else torch.zeros(D)
            assert torch.equal(whole[b, n], expected)
    kernel = formulas.kernel(sketch, whole)
    assert torch.equal(kernel[0, :, [1, 3, 4, 6, 7]], torch.zeros(N, 5))


def test_the_kernel_holds_all_cosines(sketch: Tensor, photo: Tensor) -> None:
    kernel = formulas.kernel(sketch, photo)
    assert kernel.shape == (B, N, M)
    for b in range(B):
        for n in range(N):
            for m in range(M):
                a, c = sketch[b, n], photo[b, m]
                assert float(kernel[b, n, m]) == pytest.approx(float(a @ c / (a.norm() * c.norm())), abs=1e-5)


def test_triplets_are_euclidean_with_a_margin_of_one() -> None:
    sketch = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    photo = torch.tensor([[3.0, 4.0], [0.6, 0.8]])  # 5 and 1 away
    other = torch.tensor([[0.0, 2.0], [0.0, 9.0]])  # 2 and 9 away
    assert float(formulas.triplet_loss(sketch, photo, other)) == pytest.approx((1 + 5 - 2 + 0) / 2)
    assert float(formulas.triplet_loss(sketch, photo, other, 0.0)) == pytest.approx(1.5)


def test_relations_are_pulled_to_nearly_one_and_nearly_zero() -> None:
    logits = torch.tensor([0.0, 2.0])
    found = float(formulas.relation_loss(logits, torch.tensor([True, False])))
    high = 1 / (1 + math.exp(-2))
    assert found == pytest.approx(((0.5 - 0.99) ** 2 + (high - 0.01) ** 2) / 2, abs=1e-6)
    assert float(formulas.total_loss(torch.tensor(0.5), torch.tensor(0.25))) == 2 * 0.5 + 4 * 0.25
