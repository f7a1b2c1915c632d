"""Cross-attention in its three forms, anchors, and the relation network's sizes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.training.zse import formulas
from model.training.zse.layers import Anchors, CrossAttention, Exchange, Relation

WIDTH = 8


def tokens(count: int, seed: int) -> Tensor:
    return torch.randn(2, count, WIDTH, generator=torch.Generator().manual_seed(seed))


def cross(exchange: Exchange) -> CrossAttention:
    torch.manual_seed(0)
    return CrossAttention(WIDTH, exchange, heads=2, hidden=16).eval()


def test_without_an_exchange_tokens_stay_as_they_are() -> None:
    sketch, photo = tokens(5, 1), tokens(5, 2)
    found = cross("none")(sketch, photo)
    assert found[0] is sketch
    assert found[1] is photo


def test_as_released_each_side_asks_itself_with_the_keys_of_the_other() -> None:
    layer, sketch, photo = cross("code"), tokens(5, 1), tokens(5, 2)
    side = layer.sketch
    read = formulas.attend(side.query(sketch), side.key(photo), side.value(sketch), 2)
    mixed = side.norms[0](sketch + side.out(read))
    wanted = side.norms[1](mixed + side.feed(mixed))
    assert torch.allclose(layer(sketch, photo)[0], wanted, atol=1e-6)
    swapped = layer(photo, sketch)
    assert torch.allclose(swapped[1], layer(sketch, photo)[0], atol=1e-6), "both sides start equal"


def test_in_the_figure_each_side_is_read_for_the_tokens_of_the_other() -> None:
    layer, sketch, photo = cross("figure"), tokens(10, 1), tokens(5, 2)
    drawn, shown = layer(sketch, photo)
    assert drawn.shape == (2, 5, WIDTH), "a row for each photo token"
    assert shown.shape == (2, 10, WIDTH)
    moved = sketch.clone()
    moved[:, 3] += 1.0
    assert not torch.allclose(layer(moved, photo)[0], drawn), "it is the sketch that is read"


def test_attention_starts_as_a_symmetric_similarity() -> None:
    side = cross("code").sketch
    assert torch.equal(side.query.weight, side.key.weight)
    assert side.query.weight is not side.key.weight


def test_an_anchor_is_a_block_of_cells() -> None:
    anchors = Anchors(WIDTH, 6, 2)
    values = tokens(16, 1)
    before = anchors(values)
    assert before.shape == (2, 4, 6)
    moved = values.clone()
    moved[:, 15] += 1.0  # the last cell of the last block
    changed = (anchors(moved) - before).abs().amax(dim=(0, 2)) > 1e-6
    assert changed.tolist() == [False, False, False, True]


@pytest.mark.parametrize(("anchors", "sizes"), [(49, [2401, 343, 49]), (144, [20736, 1728, 144])])
def test_relation_networks_have_the_sizes_of_the_authors(anchors: int, sizes: list[int]) -> None:
    relation = Relation(anchors)
    assert [layer.in_features for layer in relation.layers if isinstance(layer, torch.nn.Linear)] == sizes
    assert relation(torch.zeros(3, anchors, anchors)).shape == (3,)
