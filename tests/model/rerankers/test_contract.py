"""What every re-ranker keeps, whatever it looks at."""

import json

import numpy as np
import pytest

from model import Encoder
from model.modality import Modality, unit
from model.registry import UnknownName
from model.rerankers import RERANKERS, Candidates, Question, Reranker


@pytest.fixture(params=RERANKERS.names, scope="module")
def reranker(request: pytest.FixtureRequest, encoder: Encoder) -> Reranker:
    return RERANKERS.load(request.param)(encoder)


def asked(encoder: Encoder, count: int, *, alike: bool = False) -> tuple[Question, Candidates]:
    random = np.random.default_rng(count)
    vectors = unit(random.normal(size=(count, encoder.dimension)).astype(np.float32))
    if alike and count:
        vectors = np.repeat(vectors[:1], count, axis=0)
    vector = unit(random.normal(size=encoder.dimension).astype(np.float32))
    scores = vectors @ vector
    corrected = scores - random.uniform(0.1, 0.3, size=count)
    order = np.argsort(-corrected, kind="stable")
    pixels = random.integers(0, 256, (encoder.size, encoder.size, 3), dtype=np.uint8)
    candidates = Candidates(
        np.arange(count)[order] + 7,
        scores[order].astype(np.float32),
        vectors[order],
        corrected[order].astype(np.float32),
    )
    return Question(vector, {Modality.SKETCH: pixels}, {Modality.SKETCH: 1.0}), candidates


@pytest.mark.parametrize("count", [0, 1, 2, 3, 25])
@pytest.mark.parametrize("alike", [False, True])
def test_each_candidate_keeps_one_place(
    reranker: Reranker, encoder: Encoder, count: int, alike: bool
) -> None:
    question, candidates = asked(encoder, count, alike=alike)
    ranking = reranker.rerank(question, candidates)
    assert sorted(ranking.order.tolist()) == list(range(count))
    assert len(ranking.details) == count


def test_the_same_question_has_the_same_answer(reranker: Reranker, encoder: Encoder) -> None:
    question, candidates = asked(encoder, 25)
    first, second = (reranker.rerank(question, candidates) for _ in range(2))
    assert first.order.tolist() == second.order.tolist()
    assert [*first.details] == [*second.details]


def test_it_says_what_json_can_hold(reranker: Reranker, encoder: Encoder) -> None:
    details = reranker.rerank(*asked(encoder, 25)).details
    assert json.loads(json.dumps([detail and dict(detail) for detail in details])) == [*details]


def test_a_question_of_words_alone_has_no_pictures(reranker: Reranker, encoder: Encoder) -> None:
    question, candidates = asked(encoder, 5)
    ranking = reranker.rerank(Question(question.vector), candidates)
    assert sorted(ranking.order.tolist()) == list(range(5))


def test_what_it_is_given_stays_as_it_is(reranker: Reranker, encoder: Encoder) -> None:
    question, candidates = asked(encoder, 25)
    before = candidates.vectors.copy(), candidates.scores.copy(), candidates.ids.copy()
    reranker.rerank(question, candidates)
    for was, now in zip(before, (candidates.vectors, candidates.scores, candidates.ids), strict=True):
        assert np.array_equal(was, now)


def test_an_unknown_one_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match=r"unknown re-ranker 'magic'; known: plain"):
        RERANKERS.load("magic")
