"""The two methods that look at the gallery, against slow loops."""

import numpy as np
import pytest

from model.comparison.gallery import cluster_retri, icfrr
from model.modality import Vectors, unit


@pytest.fixture
def queries() -> Vectors:
    return unit(np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32))


@pytest.fixture
def photos() -> Vectors:
    return unit(np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32))


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_first_photos_vote_for_those_like_them(queries: Vectors, photos: Vectors, rounds: int) -> None:
    found = icfrr(queries, photos, beta=0.5, candidates=6, neighbours=4, rounds=rounds)
    alike = photos @ photos.T
    np.fill_diagonal(alike, -1)
    for row, query in enumerate(queries):
        scores = -np.linalg.norm(photos - query, axis=1)
        for _ in range(rounds):
            votes = np.zeros(len(photos))
            for voter in np.argsort(-scores)[:6]:
                for rank, other in enumerate(np.argsort(-alike[voter])[:4]):
                    votes[other] += (1 - rank / len(photos)) / 6
            scores = scores + 0.5 * votes
        assert np.allclose(found[row], scores, atol=1e-5)


def test_without_a_weight_nothing_moves(queries: Vectors, photos: Vectors) -> None:
    found = icfrr(queries, photos, beta=0, candidates=100, neighbours=100)
    assert np.allclose(-found, np.linalg.norm(queries[:, None] - photos[None], axis=2), atol=1e-3)


def test_a_centre_for_each_photo_is_the_distance_itself(queries: Vectors, photos: Vectors) -> None:
    apart = np.linalg.norm(queries[:, None] - photos[None], axis=2)
    for share in (0.0, 0.3, 1.0):
        found = cluster_retri(queries, photos, parts=2, centres=40, share=share, seed=0)
        assert np.allclose(-found, (1 - share) * apart**2 + share * apart, atol=1e-3)


def test_photos_of_a_cluster_share_its_centre(queries: Vectors) -> None:
    """Two heaps, far apart: each photo counts as the mean of its own."""
    chance = np.random.default_rng(3)
    middle = np.eye(8, dtype=np.float32)[[0] * 10 + [5] * 10]
    photos = middle + 0.01 * chance.normal(size=(20, 8)).astype(np.float32)
    found = cluster_retri(queries, photos, parts=1, centres=2, share=0.0, seed=0)
    for heap in (slice(0, 10), slice(10, 20)):
        wanted = np.linalg.norm(queries - photos[heap].mean(axis=0), axis=1) ** 2
        assert np.allclose(-found[:, heap], wanted[:, None], atol=1e-3)


def test_it_is_the_same_twice(queries: Vectors, photos: Vectors) -> None:
    first, second = (cluster_retri(queries, photos, parts=2, centres=5, share=0.2, seed=7) for _ in range(2))
    assert np.array_equal(first, second)
