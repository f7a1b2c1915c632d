"""The metrics against their definitions, written out one query at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.evaluation.metrics import accuracy, measure

CUTOFFS = (1, 3, 11)


def brute_force(scores: list[float], right: list[bool], k: int) -> dict[str, float]:
    """All figures of one query, from the words of model.evaluation.metrics."""
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    hits = [right[place] for place in order]
    answers = sum(hits)
    if not answers:
        return {}
    precision = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]

    def average(top: int, divisor: int, *, voc: bool = False) -> float:
        best = [max(precision[i:top]) if voc else precision[i] for i in range(top)]
        return sum(best[i] for i in range(top) if hits[i]) / divisor

    top = min(k, len(hits))
    first = hits.index(True) + 1
    return {
        "mAP@all": average(len(hits), answers),
        "mAP@all_voc": average(len(hits), answers, voc=True),
        f"mAP@{k}": average(top, min(k, answers)),
        f"mAP@{k}_voc": average(top, min(k, answers), voc=True),
        f"mAP@{k}_lenient": average(top, max(1, sum(hits[:top]))),
        f"P@{k}": sum(hits[: min(k, answers)]) / min(k, answers),
        f"P@{k}_plain": sum(hits[:top]) / k,
        "first_hit": float(first == 1),
        "hit@5": float(first <= 5),
        "hit@10": float(first <= 10),
        "P@10": sum(hits[:10]) / 10,
        "first_rank": float(first),
    }


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    queries=st.integers(1, 9),
    photos=st.integers(1, 40),
    labels=st.integers(1, 5),
    coarse=st.booleans(),
)
def test_every_figure_of_every_query(seed: int, queries: int, photos: int, labels: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    asked, shown = rng.standard_normal((queries, 4)), rng.standard_normal((photos, 4))
    if coarse:
        # Whole numbers: products are exact, and many of them are equal.
        asked, shown = np.round(asked), np.round(shown)
    asked32, shown32 = asked.astype(np.float32), shown.astype(np.float32)
    wanted, present = rng.integers(0, labels, queries), rng.integers(0, labels, photos)
    found = measure(asked32, shown32, wanted, present, cutoffs=CUTOFFS, block_bytes=8 * photos * 2)
    scores = asked32 @ shown32.T
    for k in CUTOFFS:
        for row in range(queries):
            expected = brute_force(scores[row].tolist(), (present == wanted[row]).tolist(), k)
            for name, values in found.per_query.items():
                if not expected:
                    assert math.isnan(values[row]), name
                elif name in expected:
                    assert values[row] == pytest.approx(expected[name], abs=1e-9), (name, k)


def line(*right: int) -> tuple[NDArray[np.float32], NDArray[np.float32], list[int], list[int]]:
    """One query whose ranking is given: 1 for a right photo, 0 for a wrong one."""
    gallery = np.linspace(1, 0.1, len(right), dtype=np.float32)[:, None]
    return np.ones((1, 1), dtype=np.float32), gallery, [1], list(right)


def test_figures_worked_out_by_hand() -> None:
    means = measure(*line(0, 1, 0, 0, 1, 1), cutoffs=(2, 4)).means()
    assert means["mAP@all"] == pytest.approx((1 / 2 + 2 / 5 + 3 / 6) / 3)
    # The envelope lifts 2/5 to the 3/6 that comes after it.
    assert means["mAP@all_voc"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 2) / 3)
    assert means["mAP@2"] == pytest.approx((1 / 2) / 2)
    assert means["mAP@2_lenient"] == pytest.approx((1 / 2) / 1)
    assert means["mAP@4"] == pytest.approx((1 / 2) / 3)
    assert means["P@2"] == pytest.approx(1 / 2)
    # Three photos are right, so P@4 looks at three places and P@4_plain at four.
    assert means["P@4"] == pytest.approx(1 / 3)
    assert means["P@4_plain"] == pytest.approx(1 / 4)
    assert means["P@10"] == pytest.approx(3 / 10)
    assert (means["first_hit"], means["hit@5"], means["first_rank"]) == (0, 1, 2)


def test_lenient_is_never_below_strict_and_voc_never_below_plain() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((300, 6)).astype(np.float32)
    labels = rng.integers(0, 9, 300)
    found = measure(vectors[:60], vectors, labels[:60], labels, cutoffs=(20,)).per_query
    assert (found["mAP@20_lenient"] >= found["mAP@20"] - 1e-12).all()
    assert (found["mAP@20_voc"] >= found["mAP@20"] - 1e-12).all()
    assert (found["mAP@all_voc"] >= found["mAP@all"] - 1e-12).all()
    assert found["mAP@20_lenient"].mean() > 1.5 * found["mAP@20"].mean()


def test_blocks_do_not_change_anything() -> None:
    rng = np.random.default_rng(4)
    queries, gallery = rng.standard_normal((50, 8)), rng.standard_normal((70, 8))
    wanted, present = rng.integers(0, 4, 50), rng.integers(0, 4, 70)
    # Whole numbers, so that no product depends on how many are computed together.
    whole = measure(np.round(queries), np.round(gallery), wanted, present)
    parts = measure(np.round(queries), np.round(gallery), wanted, present, block_bytes=1)
    assert whole.queries == parts.queries == 50
    for name, values in whole.per_query.items():
        assert np.allclose(values, parts.per_query[name], rtol=0, atol=1e-12), name


def test_queries_that_nothing_answers_are_counted_and_left_out() -> None:
    vectors = np.eye(3, dtype=np.float32)
    found = measure(vectors, vectors, ["a", "b", "x"], ["a", "b", "b"])
    assert (found.queries, found.unanswerable, found.gallery) == (3, 1, 3)
    assert found.means()["first_hit"] == 1
    assert measure(vectors, vectors, ["x", "y", "z"], ["a", "b", "b"]).means() == {}


def test_a_photo_does_not_find_itself() -> None:
    vectors = np.array([[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]], dtype=np.float32)
    labels = ["a", "b", "a", "b"]
    assert measure(vectors, vectors, labels, labels).means()["first_hit"] == 1
    found = measure(vectors, vectors, labels, labels, itself=np.arange(4))
    assert found.means()["first_hit"] == 0
    assert found.per_query["first_rank"].tolist() == [3, 2, 3, 2]
    alone = measure(vectors[:1], vectors[:1], ["a"], ["a"], itself=np.array([0]))
    assert alone.unanswerable == 1
    some = measure(vectors, vectors, labels, labels, itself=np.array([0, -1, -1, -1]))
    assert some.per_query["first_rank"].tolist() == [3, 1, 1, 1]


def test_accuracy_within_a_class_and_across() -> None:
    gallery = np.array([[1, 0, 0], [0.9, 0.4, 0], [0, 0, 1], [0.95, 0, 0.3]], dtype=np.float32)
    queries = np.array([[0.5, 0.5, 0], [0.9, 0, 0.1]], dtype=np.float32)
    pairs = ["shoe1", "cup3"]
    photos = ["shoe0", "shoe1", "cup2", "cup3"]
    across = accuracy(queries, gallery, pairs, photos, cutoffs=(1, 2))
    assert across == {"Acc@1": 0.5, "Acc@2": 1.0}
    kinds = (["shoe", "cup"], ["shoe", "shoe", "cup", "cup"])
    assert accuracy(queries, gallery, pairs, photos, within=kinds, cutoffs=(1,)) == {"Acc@1": 1.0}


def test_accuracy_leaves_out_queries_without_their_photo() -> None:
    vectors = np.eye(2, dtype=np.float32)
    assert accuracy(vectors, vectors, ["p", "gone"], ["p", "q"], cutoffs=(1,)) == {"Acc@1": 1.0}
    assert accuracy(vectors, vectors, ["x", "y"], ["p", "q"]) == {}
    assert accuracy(vectors, vectors, ["p", "q"], ["p", "q"], within=(["a", "b"], ["c", "c"])) == {}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), sketches=st.integers(1, 12), photos=st.integers(1, 12))
def test_accuracy_against_brute_force(seed: int, sketches: int, photos: int) -> None:
    rng = np.random.default_rng(seed)
    asked = rng.standard_normal((sketches, 3)).astype(np.float32)
    shown = rng.standard_normal((photos, 3)).astype(np.float32)
    own = rng.integers(0, photos, sketches)
    kinds = rng.integers(0, 3, photos)
    scores = asked @ shown.T
    for within in (None, (kinds[own], kinds)):
        ranks = [
            1
            + sum(
                bool(scores[row, other] > scores[row, own[row]])
                for other in range(photos)
                if within is None or kinds[other] == kinds[own[row]]
            )
            for row in range(sketches)
        ]
        expected = {f"Acc@{k}": float(np.mean([rank <= k for rank in ranks])) for k in (1, 5, 10)}
        assert accuracy(asked, shown, own, np.arange(photos), within=within) == pytest.approx(expected)


def test_vectors_that_cannot_be_ranked_are_named() -> None:
    vectors = np.eye(2, dtype=np.float32)
    with pytest.raises(ValueError, match="nothing to rank: 0 queries and 2 photos"):
        measure(vectors[:0], vectors, [], ["a", "b"])
    with pytest.raises(ValueError, match="2 queries have 1 labels"):
        measure(vectors, vectors, ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="the gallery vectors hold NaN"):
        measure(vectors, vectors * np.nan, ["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="leave 10 out"):
        measure(vectors, vectors, ["a", "b"], ["a", "b"], cutoffs=(10,))
