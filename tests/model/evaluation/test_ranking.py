"""Rankers: a head before the rest, what they hear about the queries, and the sort beneath them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.evaluation.metrics import accuracy, measure
from model.evaluation.ranking import Ranking, Shares, inner_product, right_in_order
from model.modality import Modality

Vectors = NDArray[np.floating]


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(
        st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0]),
        min_size=1,
        max_size=30,
    ),
    data=st.data(),
)
def test_the_packed_sort_is_a_stable_sort(scores: list[float], data: st.DataObject) -> None:
    right = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    found = right_in_order(np.array([scores], dtype=np.float32), np.array([right]))
    assert found[0].tolist() == [right[place] for place in order]


def backwards(gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
    """A second stage that turns the first three photos around, and drops the second of them."""
    first = inner_product(gallery, made_of)

    def rank(queries: Vectors) -> Ranking:
        scores = first(queries).scores
        order = np.argsort(-scores, axis=1, kind="stable")
        head = np.stack([order[:, 2], np.full(len(order), -1), order[:, 0]], axis=1)
        return Ranking(scores, head)

    return rank


def test_a_head_comes_first_and_the_rest_stays_in_order() -> None:
    # Ranked by the inner product: a, b, c, d.
    queries, gallery = np.ones((1, 1)), np.array([[4.0], [3.0], [2.0], [1.0]])
    places = {}
    for label in "abcd":
        found = measure(queries, gallery, [label], list("abcd"), ranker=backwards)
        places[label] = found.per_query["first_rank"][0]
    assert places == {"c": 1, "a": 2, "b": 3, "d": 4}
    assert accuracy(queries, gallery, ["c"], list("abcd"), cutoffs=(1,), ranker=backwards) == {"Acc@1": 1.0}


def test_blocks_share_one_prepared_gallery_and_a_query_still_does_not_find_itself() -> None:
    rng = np.random.default_rng(2)
    vectors, labels = rng.standard_normal((20, 4)), rng.integers(0, 3, 20)
    heard: list[Shares] = []

    def listening(gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
        heard.append(made_of)
        return backwards(gallery, made_of)

    made_of = {Modality.SKETCH: 0.5, Modality.TEXT: 0.5}
    how = {"itself": np.arange(20), "ranker": listening, "made_of": made_of}
    whole = measure(vectors, vectors, labels, labels, **how)  # type: ignore[arg-type]
    parts = measure(vectors, vectors, labels, labels, block_bytes=1, **how)  # type: ignore[arg-type]
    assert heard == [made_of, made_of]
    for name, values in whole.per_query.items():
        assert np.allclose(values, parts.per_query[name], equal_nan=True), name
    alone = measure(vectors, vectors, np.arange(20), np.arange(20), **how)  # type: ignore[arg-type]
    assert alone.unanswerable == 20


def test_a_ranker_without_numbers_is_named() -> None:
    def broken(gallery: Vectors, made_of: Shares) -> Callable[[Vectors], Ranking]:
        return lambda queries: Ranking(np.full((len(queries), len(gallery)), np.nan, dtype=np.float32))

    with pytest.raises(ValueError, match="the ranker that made them is broken"):
        measure(np.eye(2), np.eye(2), ["a", "b"], ["a", "b"], ranker=broken)
