"""Attention pooling against loops over heads, queries and tokens."""

import math

import pytest
import torch
from torch import Tensor

from model.training.blocks.pooling import AttentionPooling

WIDTH, CELLS, INNER, HEADS = 5, 9, 6, 2


@pytest.fixture
def pool() -> AttentionPooling:
    torch.manual_seed(2)
    found = AttentionPooling(WIDTH, CELLS, queries=3, inner=INNER, heads=HEADS)
    torch.nn.init.normal_(found.position)
    return found


@pytest.fixture
def tokens() -> Tensor:
    return torch.randn(2, 4, WIDTH, generator=torch.Generator().manual_seed(5))


PLACES = torch.tensor([[0, 3, 4, 8], [1, 2, 6, 7]])
WHICH = torch.tensor([[0, 1], [0, 2]])


@torch.no_grad()
def test_it_is_one_layer_of_attention(pool: AttentionPooling, tokens: Tensor) -> None:
    found = pool.read(tokens, PLACES, WHICH)
    part = INNER // HEADS
    for picture in range(2):
        asked = [pool.queries[query] for query in WHICH[picture]]
        entered = [
            pool.enter(token) + pool.position[place]
            for token, place in zip(tokens[picture], PLACES[picture], strict=True)
        ]
        shown = [pool.norm(each) for each in (*asked, *entered)]
        for number, query in enumerate(asked):
            mixed = torch.zeros(INNER)
            for head in range(HEADS):
                of = slice(head * part, (head + 1) * part)
                own = pool.query(shown[number])[of]
                raw = [float(own @ pool.key(each)[of]) / math.sqrt(part) for each in shown]
                whole = sum(math.exp(value) for value in raw)
                shares = [math.exp(value) / whole for value in raw]
                mixed[of] = sum(
                    share * pool.value(each)[of] for share, each in zip(shares, shown, strict=True)
                )
                told = found.weights[picture, head, number].tolist()
                assert told == pytest.approx(shares[len(asked) :], rel=1e-4)
            read = query + pool.out(mixed)
            wanted = pool.leave(read + pool.feed(read))
            assert torch.allclose(found.values[picture, number], wanted, atol=1e-5)


@torch.no_grad()
def test_the_order_of_tokens_is_of_no_account_but_their_places_are(
    pool: AttentionPooling, tokens: Tensor
) -> None:
    order = torch.tensor([2, 0, 3, 1])
    found = pool.read(tokens, PLACES, WHICH)
    moved = pool.read(tokens[:, order], PLACES[:, order], WHICH)
    assert torch.allclose(found.values, moved.values, atol=1e-5)
    assert torch.allclose(found.weights[..., order], moved.weights, atol=1e-5)
    elsewhere = pool.read(tokens, PLACES[:, order], WHICH)
    assert not torch.allclose(found.values, elsewhere.values, atol=1e-3)


@torch.no_grad()
def test_queries_read_one_another(pool: AttentionPooling, tokens: Tensor) -> None:
    beside = pool.read(tokens, PLACES, torch.tensor([[0, 1], [0, 1]]))
    other = pool.read(tokens, PLACES, torch.tensor([[0, 2], [0, 2]]))
    assert not torch.allclose(beside.values[:, 0], other.values[:, 0], atol=1e-6)
    assert bool((beside.weights.sum(-1) < 1).all()), "the rest comes from the queries"


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="5 heads do not divide a width of 6"):
        AttentionPooling(WIDTH, CELLS, 1, inner=6, heads=5)
