"""Whole searches as rankers: what the re-ranker gets, in which order photos end up, and what counts as right."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Encoder
from model.bank import Bank, Near
from model.evaluation.metrics import measure
from model.evaluation.ranking import Shares, inner_product, one_order
from model.evaluation.second_stage import SecondStage, ranker_of
from model.modality import Modality, unit
from model.rerankers import Candidates, Question, Ranking, Reranker
from model.rerankers.collection import Collection
from model.rerankers.plain import FirstStage

Vectors = NDArray[np.float32]
SKETCH, TEXT, PHOTO = Modality.SKETCH, Modality.TEXT, Modality.PHOTO


class Backwards:
    """Turns its candidates around, and remembers what it was asked."""

    corrected = True

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.asked: list[tuple[Question, Candidates]] = []

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        self.asked.append((question, candidates))
        return Ranking(np.arange(len(candidates))[::-1], [None] * len(candidates))


class AsItIs(Backwards):
    """Ranks by the scores as they are."""

    corrected = False


@pytest.fixture
def bank() -> Bank:
    kinds = {SKETCH: Near(some(9, 1), 3, 0.75), TEXT: Near(some(7, 2), 2, 1.0)}
    return Bank("of no model", kinds)


def some(count: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, 6)).astype(np.float32))


def by_hand(
    query: Vectors, photos: Vectors, kinds: Mapping[Modality, float], bank: Bank, reranker: Reranker
) -> list[int]:
    """One search, photo by photo."""
    vector = query / np.linalg.norm(query)
    scores = [float(vector @ photo) for photo in photos]
    biases = bank.biases(photos)
    corrected = [
        score - kinds.get(SKETCH, 0) * biases[place, 0] - kinds.get(TEXT, 0) * biases[place, 1]
        for place, score in enumerate(scores)
    ]
    order = sorted(range(len(photos)), key=lambda place: -corrected[place])
    best, rest = order[: reranker.depth], order[reranker.depth :]
    candidates = Candidates(
        np.array(best),
        np.array([scores[place] for place in best], dtype=np.float32),
        photos[best],
        np.array([corrected[place] for place in best], dtype=np.float32),
    )
    found = reranker.rerank(Question(vector, {}, kinds), candidates)
    return [*(best[place] for place in found.order), *rest]


def orders(stage: SecondStage, queries: Vectors, photos: Vectors, made_of: Shares) -> list[list[int]]:
    scores = one_order(stage(photos, made_of)(queries))
    return [[*map(int, row)] for row in np.argsort(-scores, axis=1, kind="stable")]


@pytest.mark.parametrize("made_of", [{SKETCH: 1.0}, {TEXT: 1.0}, {PHOTO: 1.0}])
@pytest.mark.parametrize("reranker", [Collection(None), Backwards(5), Backwards(100)])
def test_the_order_is_that_of_one_search_after_another(
    bank: Bank, reranker: Reranker, made_of: Shares
) -> None:
    queries, photos = some(8, 3), some(40, 4)
    expected = [by_hand(query, photos, made_of, bank, reranker) for query in queries]
    assert orders(SecondStage(reranker, bank), queries, photos, made_of) == expected


def test_the_parts_of_a_mix_count_as_in_a_search(bank: Bank) -> None:
    drawn, said, photos = some(4, 5), some(4, 6), some(30, 7)
    mixed = np.float32(0.7) * drawn + np.float32(0.3) * said
    made_of, reranker = {SKETCH: 0.7, TEXT: 0.3}, Backwards(10)
    found = orders(SecondStage(reranker, bank), mixed, photos, made_of)
    heard = [question for question, _ in reranker.asked]
    for query, question, order in zip(mixed, heard, found, strict=True):
        length = float(np.linalg.norm(query))
        kinds = {SKETCH: 0.7 / length, TEXT: 0.3 / length}
        assert question.kinds == pytest.approx(kinds)
        assert np.linalg.norm(question.vector) == pytest.approx(1)
        assert order == by_hand(query, photos, kinds, bank, Backwards(10))


def test_only_rerankers_that_ask_for_it_get_corrected_scores(bank: Bank) -> None:
    queries, photos = some(5, 8), some(20, 9)
    plain, corrected = AsItIs(6), Backwards(6)
    for reranker in (plain, corrected):
        SecondStage(reranker, bank)(photos, {SKETCH: 1.0})(queries)
    assert all((each.scores == each.corrected).all() for _, each in plain.asked)
    assert all((each.scores > each.corrected).all() for _, each in corrected.asked)
    SecondStage(without := Backwards(6), None)(photos, {SKETCH: 1.0})(queries)
    assert all((each.scores == each.corrected).all() for _, each in without.asked)


def test_without_a_second_stage_it_is_the_inner_product(bank: Bank) -> None:
    queries, photos = some(5, 10), some(20, 11)
    found = SecondStage(FirstStage(None), bank)(photos, {SKETCH: 1.0})(queries)
    assert found.head is None
    assert (found.scores == inner_product(photos, {})(queries).scores).all()


def test_equal_photos_keep_their_order_where_the_candidates_end(bank: Bank) -> None:
    photos = np.repeat(some(2, 12), 10, axis=0)
    reranker = Backwards(13)
    SecondStage(reranker, bank)(photos, {SKETCH: 1.0})(photos[:1])
    assert reranker.asked[0][1].ids.tolist() == [*range(13)]


def test_a_query_does_not_find_itself_in_the_head(bank: Bank) -> None:
    """Backwards leaves the own photo, the best of all candidates, at the end of them."""
    photos, depth = some(12, 13), 4
    itself = np.arange(len(photos))
    for asked in itself:
        order = by_hand(photos[asked], photos, {PHOTO: 1.0}, bank, Backwards(depth))
        assert order[depth - 1] == asked
        others = [place for place in order if place != asked]
        for right in others[:6]:
            found = measure(
                photos[[asked]],
                photos,
                ["right"],
                ["right" if place in (right, asked) else "" for place in itself],
                itself=itself[[asked]],
                ranker=SecondStage(Backwards(depth), bank),
                made_of={PHOTO: 1.0},
            )
            assert found.per_query["first_rank"][0] == others.index(right) + 1


def test_rankings_of_a_model_have_its_bank(encoder: Encoder) -> None:
    random = np.random.default_rng(14)
    photos = unit(random.standard_normal((30, encoder.dimension)).astype(np.float32))
    assert encoder.bank is not None
    found = ranker_of("collection", encoder)(photos, {SKETCH: 1.0})(photos[:2])
    biases = encoder.bank.biases(photos)[:, 0]
    assert np.allclose(found.scores, photos[:2] @ photos.T - biases, atol=1e-6)
    assert found.head is not None
    assert found.head.shape == (2, 30)
    assert ranker_of("plain", encoder)(photos, {SKETCH: 1.0})(photos[:2]).head is None
