"""The order that the collection itself suggests: what is alike counts together, and the first places differ."""

import numpy as np
import pytest

from model.modality import Modality, Vectors
from model.rerankers import Candidates, Question
from model.rerankers.collection import Collection, signals
from model.rerankers.relevance import DEPTH
from tests.kit.candidates import SKETCH, falling, group, lone, ranked, strays


def order(vectors: Vectors, corrected: list[float], kinds: dict[Modality, float] | None = None) -> list[int]:
    return ranked(vectors, corrected, kinds).order.tolist()


def test_photos_alike_overtake_a_lone_one_that_scores_slightly_better() -> None:
    # The best is a stray, then comes the group, and all other strays are far below.
    vectors = np.concatenate([strays(30), group(15, 40)])
    scores = [0.22, *falling(0.0, 29, 0.005), *falling(0.20, 15, 0.002)]
    found = order(vectors, scores)
    assert found[0] == 30
    assert found.index(0) < 16


def test_where_no_photos_are_alike_the_order_of_the_first_stage_remains() -> None:
    assert order(lone(40), falling(0.3, 40)) == list(range(40))
    assert order(strays(40), falling(0.3, 40)) == list(range(40))


def test_a_lone_photo_that_is_far_better_stays_first() -> None:
    vectors = np.concatenate([strays(1), group(15, 40), strays(30)[1:]])
    assert order(vectors, [0.6, *falling(0.0, 15, 0.002), *falling(-0.1, 29, 0.005)])[0] == 0


def test_the_first_five_show_both_of_two_things_that_are_equally_likely() -> None:
    vectors = np.concatenate([group(20, 1, 0.2), group(20, 2, 0.2), lone(40)[10:]])
    scores = [*falling(0.200, 20, 0.001), *falling(0.195, 20, 0.001), *falling(-0.1, 30, 0.005)]
    first = order(vectors, scores)[:5]
    assert any(place < 20 for place in first)
    assert any(20 <= place < 40 for place in first)


def test_a_thing_that_is_clearly_meant_takes_all_first_places() -> None:
    vectors = np.concatenate([group(20, 1, 0.2), group(20, 2, 0.2)])
    assert max(order(vectors, [*falling(0.5, 20, 0.001), *falling(-0.1, 20, 0.001)])[:5]) < 20


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_few_photos_each_keep_a_place(count: int) -> None:
    found = ranked(lone(count), falling(0.2, count))
    assert found.order.tolist() == list(range(count))
    assert len(found.details) == count


@pytest.mark.parametrize("count", [2, 3, 50, DEPTH])
def test_photos_that_are_all_the_same_keep_the_order_of_their_scores(count: int) -> None:
    vectors = np.repeat(group(1, 3), count, axis=0)
    assert order(vectors, falling(0.2, count, 0.002)) == list(range(count))
    assert sorted(order(vectors, [0.2] * count)) == list(range(count))


@pytest.mark.parametrize("vectors", [lone(40), group(40, 3), np.repeat(group(1, 3), 40, axis=0), -lone(40)])
@pytest.mark.parametrize("first", [0.3, 0.0, -0.4, -3.0])
def test_all_signals_are_numbers_however_far_the_query_is(vectors: Vectors, first: float) -> None:
    # Warnings are errors, so no division by zero is hidden either.
    own = np.array(falling(first, 40, 0.02), dtype=np.float32)
    found = signals(own, np.ascontiguousarray(vectors))
    for each in (found.local, found.final, found.same):
        assert each.dtype == np.float32
        assert np.isfinite(each).all()
    assert sorted(order(vectors, own.tolist())) == list(range(40))


def test_opposite_photos_do_not_support_each_other() -> None:
    vectors = np.concatenate([lone(1), -lone(1)])
    assert order(vectors, [0.2, 0.1]) == [0, 1]
    assert signals(np.array([0.2, 0.1], dtype=np.float32), vectors).local.tolist() == pytest.approx(
        [0.2, 0.1]
    )


def test_the_same_candidates_always_have_the_same_order() -> None:
    vectors = np.concatenate([group(60, place, 1.0) for place in range(5)])
    scores = np.random.default_rng(0).normal(size=300).astype(np.float32).tolist()
    assert order(vectors, scores) == order(vectors.copy(), scores)


def test_photos_as_queries_keep_the_order_of_the_first_stage() -> None:
    vectors = np.concatenate([strays(30), group(15, 40)])
    scores = [0.22, *falling(0.0, 29, 0.005), *falling(0.20, 15, 0.002)]
    for kinds in ({Modality.PHOTO: 1.0}, {Modality.PHOTO: 0.7, Modality.SKETCH: 0.3}):
        found = ranked(vectors, scores, kinds)
        assert found.order.tolist() == list(range(45))
        assert found.relevance is None
    assert order(vectors, scores, {Modality.PHOTO: 0.3, Modality.TEXT: 0.7}) != list(range(45))


def test_without_biases_nothing_is_said_of_relevance() -> None:
    own = np.array(falling(0.3, 10), dtype=np.float32)
    plain = Candidates(np.arange(10), own, lone(10), own)
    assert Collection(None).rerank(Question(own, {}, SKETCH), plain).relevance is None
    assert ranked(lone(10), own.tolist()).relevance is not None
