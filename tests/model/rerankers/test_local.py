"""Re-ranking by local parts: how much they count, and that nothing changes where there are none."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.local.parts import Parts, centres
from model.modality import Modality, Vectors
from model.rerankers import Candidates, Question, Ranking, Reranker
from model.rerankers.collection import Collection
from model.rerankers.local import DEEPER, DEPTH, WEIGHT, Everything, LocalParts, fits
from tests.kit.candidates import falling, group, lone

SKETCH, TEXT = Modality.SKETCH, Modality.TEXT
DRAWN = Parts(np.eye(4, dtype=np.float32), centres(2), np.full(4, 0.25, dtype=np.float32), 2)


class FirstByte:
    """A row's first byte is its score, in hundredths: parts whose fit is known."""

    def scores(self, sketch: Parts, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        return rows[:, 0].astype(np.float32) / 100


ENCODER: Any = SimpleNamespace(local=FirstByte())


def asked(kinds: dict[Modality, float] | None = None, parts: Parts | None = DRAWN) -> Question:
    return Question(lone(1)[0], {}, kinds or {SKETCH: 1.0}, parts)


def candidates(
    scores: list[float], fit: list[int | None] | None, vectors: Vectors | None = None
) -> Candidates:
    """`fit` are the scores of their parts, in hundredths; None for a photo without a row, or for an index without."""
    own = np.array(scores, dtype=np.float32)
    given = np.resize(lone(64), (len(own), 64)) if vectors is None else vectors

    def rows(which: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        assert fit is not None
        found = [fit[place] for place in which]
        present = np.array([each is not None for each in found], dtype=bool)
        # What is not there may be anything.
        return np.array([[255 if each is None else each] for each in found], np.uint8).reshape(-1, 1), present

    biased = own + np.float32(0.3)
    return Candidates(np.arange(len(own)), biased, given, own, None if fit is None else rows)


def order(reranker: Reranker, question: Question, given: Candidates) -> list[int]:
    return [int(place) for place in reranker.rerank(question, given).order]


def test_parts_count_beside_scores() -> None:
    gap = 0.1
    less, more = (int(100 * gap / WEIGHT * share) for share in (0.8, 1.2))
    given = candidates([0.5, 0.5 - gap], [50, 50 + less])
    assert order(LocalParts(ENCODER), asked(), given) == [0, 1]
    assert order(LocalParts(ENCODER), asked(), candidates([0.5, 0.5 - gap], [50, 50 + more])) == [1, 0]


def test_a_photo_without_a_row_is_neither_better_nor_worse() -> None:
    """It counts like the mean of those that have one."""
    question, head = asked(), np.arange(4)
    found = fits(ENCODER.local, question, candidates([0.4, 0.3, 0.2, 0.1], [30, None, 50, None]), head)
    assert found == pytest.approx([-0.1, 0, 0.1, 0], abs=1e-6)
    none = candidates([0.4, 0.3, 0.2, 0.1], [None] * 4)
    assert order(LocalParts(ENCODER), question, none) == [0, 1, 2, 3]
    given = candidates(falling(0.5, 5), [None, 0, None, 100, None])
    assert [place for place in order(LocalParts(ENCODER), question, given) if place in (0, 2, 4)] == [0, 2, 4]


def test_parts_of_a_mix_count_by_the_share_of_the_drawing() -> None:
    given, head = candidates([0.4, 0.3], [30, 50]), np.arange(2)
    for kinds, share in (
        ({SKETCH: 1.4}, 1.0),
        ({SKETCH: 0.7, TEXT: 0.7}, 0.5),
        ({SKETCH: 0.3, TEXT: -0.9}, 0.25),
        ({SKETCH: -1.0, TEXT: 1.0}, 0.0),
    ):
        found = fits(ENCODER.local, asked(kinds), given, head)
        assert found == pytest.approx([-0.1 * share, 0.1 * share], abs=1e-6)


@pytest.mark.parametrize("reranker", [LocalParts(ENCODER), Everything(ENCODER)])
def test_one_candidate_and_none(reranker: Reranker) -> None:
    assert order(reranker, asked(), candidates([0.5], [10])) == [0]
    assert order(reranker, asked(), candidates([0.5], None)) == [0]
    assert order(reranker, asked(), candidates([], [])) == []


def without_parts(given: Candidates) -> list[tuple[Question, Candidates, Any]]:
    return [
        (asked(), replace(given, rows=None), ENCODER),
        (asked(parts=None), given, ENCODER),
        (asked({TEXT: 1.0}, parts=None), given, ENCODER),
        (asked(), given, SimpleNamespace(local=None)),
    ]


def test_without_parts_the_order_stays() -> None:
    given = candidates(falling(0.5, 60), [(7 * place) % 50 for place in range(60)])
    assert order(LocalParts(ENCODER), asked(), given) != [*range(60)]
    for question, shown, encoder in without_parts(given):
        assert order(LocalParts(encoder), question, shown) == [*range(60)]


def test_without_parts_all_is_collection() -> None:
    vectors = np.concatenate([lone(8), group(12, 20), group(10, 40)])
    given = candidates(falling(0.4, 30), [(7 * place) % 50 for place in range(30)], vectors)
    assert order(Everything(ENCODER), asked(), given) != order(Collection(None), asked(), given)
    for question, shown, encoder in without_parts(given):
        assert_same(Everything(encoder).rerank(question, shown), Collection(None).rerank(question, shown))


def assert_same(one: Ranking, other: Ranking) -> None:
    assert one.order.tolist() == other.order.tolist()
    assert one.relevance is not None
    assert other.relevance is not None
    assert one.relevance.tolist() == other.relevance.tolist()


def test_parts_count_for_more_among_photos_of_one_thing() -> None:
    """The same scores and fits: parts tell things of a kind apart, and say less about the kind."""
    fit: list[int | None] = [50] * 11 + [56]
    places = []
    for vectors in (lone(12), group(12, 30, spread=0.05)):
        found = order(Everything(ENCODER), asked(), candidates(falling(0.4, 12, step=0.02), fit, vectors))
        places.append(found.index(11))
    assert places[1] < places[0]


def test_only_the_first_photos_are_compared() -> None:
    """The rest keeps its places, however well its parts fit; rows are read from disk."""
    count = 2 * DEEPER
    given = candidates(falling(0.9, count, step=0.001), [*range(count)])
    read: list[NDArray[np.int64]] = []

    def counted(which: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        read.append(which)
        assert given.rows is not None
        return given.rows(which)

    found = order(LocalParts(ENCODER), asked(), replace(given, rows=counted))
    assert found[:DEPTH] != [*range(DEPTH)]
    assert found[DEPTH:] == [*range(DEPTH, count)]
    Everything(ENCODER).rerank(asked(), replace(given, rows=counted))
    assert [len(which) for which in read] == [DEPTH, DEEPER]


@pytest.mark.parametrize("reranker", [LocalParts(ENCODER), Everything(ENCODER)])
def test_the_same_question_has_the_same_order(reranker: Reranker) -> None:
    chance = np.random.default_rng(1)
    given = candidates(
        falling(0.5, 64, step=0.0), [int(each) for each in chance.integers(0, 4, 64)], lone(64)
    )
    first = order(reranker, asked(), given)
    assert sorted(first) == [*range(64)]
    assert all(order(reranker, asked(), given) == first for _ in range(3))
