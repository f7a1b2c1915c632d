"""How likely a result is right: a probability that grows with what speaks for it."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from model.card import Relevance
from model.modality import Modality, Vectors
from model.rerankers import Candidates, Question
from model.rerankers.collection import Collection, signals
from model.rerankers.relevance import FITTED, inputs, relevance
from tests.kit.candidates import falling, group, lone, ranked, strays

KINDS = [{Modality.SKETCH: 1.0}, {Modality.TEXT: 1.0}]


def likely(vectors: Vectors, own: list[float], kinds: dict[Modality, float]) -> list[float]:
    return relevance(kinds, signals(np.array(own, dtype=np.float32), vectors)).tolist()


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 64])
@pytest.mark.parametrize("first", [1.0, 0.3, -0.5, -3.0])
def test_it_is_a_probability(kinds: dict[Modality, float], count: int, first: float) -> None:
    for vectors in (lone(count), group(count, 3)):
        found = np.array(likely(vectors, falling(first, count), kinds))
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("kinds", KINDS)
def test_the_nearer_a_lone_photo_is_the_likelier_it_is_right(kinds: dict[Modality, float]) -> None:
    strays = falling(-0.2, 40, 0.005)
    found = [likely(lone(41), [own, *strays], kinds)[0] for own in np.arange(-0.1, 0.6, 0.05).tolist()]
    assert found == sorted(found)
    assert found[-1] > found[0]


@pytest.mark.parametrize("kinds", KINDS)
def test_photos_alike_that_are_near_are_likelier_than_as_many_strays(kinds: dict[Modality, float]) -> None:
    own = falling(0.2, 20, 0.005)
    assert np.mean(likely(group(20, 3), own, kinds)) > np.mean(likely(strays(20), own, kinds))


def test_it_follows_the_new_order() -> None:
    vectors = np.concatenate([strays(30), group(15, 40)])
    own = [0.22, *falling(0.0, 29, 0.005), *falling(0.20, 15, 0.002)]
    found = ranked(vectors, own)
    assert found.order.tolist() != list(range(45))
    assert found.relevance is not None
    expected = np.array(likely(vectors, own, KINDS[0]))
    assert found.relevance.tolist() == pytest.approx(expected[found.order].tolist())


def test_a_query_of_both_is_judged_as_what_it_is_most() -> None:
    own = falling(0.2, 10)
    drawn, said = (likely(lone(10), own, kinds) for kinds in KINDS)
    assert drawn != said
    assert likely(lone(10), own, {Modality.SKETCH: 0.7, Modality.TEXT: 0.3}) == drawn
    assert likely(lone(10), own, {Modality.SKETCH: -0.3, Modality.TEXT: 0.7}) == said


def test_there_is_a_number_for_each_signal() -> None:
    columns = inputs(signals(np.array([0.2, 0.1], dtype=np.float32), lone(2)))
    own = Relevance(sketch=(0,) * columns.shape[1], text=(0,) * columns.shape[1])  # type: ignore[arg-type]
    assert {len(numbers) for numbers in (*FITTED.values(), own.sketch, own.text)} == {columns.shape[1]}


@pytest.mark.parametrize("numbers", [[0.0] * 4, [0.0] * 6, [0.0] * 4 + [float("nan")]])
def test_a_card_with_other_numbers_is_refused(numbers: list[float]) -> None:
    with pytest.raises(ValidationError, match="sketch"):
        Relevance.model_validate({"sketch": numbers, "text": [0.0] * 5})


@pytest.mark.parametrize(("kinds", "expected"), list(zip(KINDS, (0.5, 0.9), strict=True)))
def test_a_model_may_have_numbers_of_its_own(kinds: dict[Modality, float], expected: float) -> None:
    own = Relevance(sketch=(0, 0, 0, 0, 0), text=(math.log(9), 0, 0, 0, 0))
    encoder = SimpleNamespace(card=SimpleNamespace(relevance=own))
    found = ranked(lone(10), falling(0.2, 10), kinds, encoder).relevance
    assert found is not None
    assert found.tolist() == pytest.approx([expected] * 10)


def test_no_candidates_have_no_relevance() -> None:
    nothing = Candidates(np.empty(0, np.int64), *(np.empty(shape, np.float32) for shape in (0, (0, 8), 0)))
    found = Collection(None).rerank(Question(np.zeros(8, np.float32), {}, KINDS[0]), nothing)
    assert found.order.tolist() == []
    assert found.relevance is None


@pytest.mark.parametrize(
    "kinds",
    [
        {Modality.SKETCH: -1.0},
        {Modality.SKETCH: 1.2, Modality.TEXT: -0.4},
        {Modality.TEXT: 0.6, Modality.PHOTO: 0.6},
    ],
)
def test_queries_unlike_those_it_was_fitted_to_are_not_judged(kinds: dict[Modality, float]) -> None:
    own = np.array(falling(0.2, 10), dtype=np.float32)
    candidates = Candidates(np.arange(10), own + np.float32(0.2), lone(10), own)
    assert Collection(None).rerank(Question(lone(1)[0], {}, kinds), candidates).relevance is None
