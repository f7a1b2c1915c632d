"""Candidates of a second stage: photos that are alike or not, and their scores."""

import numpy as np

from model.modality import Modality, Vectors, unit
from model.rerankers import Candidates, Question, Ranking
from model.rerankers.collection import Collection

DIMENSION = 64
SKETCH = {Modality.SKETCH: 1.0}
_BIAS = np.float32(0.3)


def lone(count: int) -> Vectors:
    """Photos of which no two are alike."""
    return np.eye(DIMENSION, dtype=np.float32)[:count]


def strays(count: int) -> Vectors:
    """Photos of different things, as alike as any two photos are."""
    return unit(lone(count) + np.float32(0.6) * np.eye(DIMENSION, dtype=np.float32)[-1])


def group(count: int, place: int, spread: float = 0.3) -> Vectors:
    """Photos of one thing, which nothing else is like."""
    noise = unit(np.random.default_rng(place).normal(size=(count, DIMENSION)).astype(np.float32))
    return unit(np.eye(DIMENSION, dtype=np.float32)[place] + spread * noise)


def falling(first: float, count: int, step: float = 0.01) -> list[float]:
    return [first - step * place for place in range(count)]


def ranked(
    vectors: Vectors,
    corrected: list[float],
    kinds: dict[Modality, float] | None = None,
    encoder: object = None,
) -> Ranking:
    own = np.array(corrected, dtype=np.float32)
    candidates = Candidates(np.arange(len(own)), own + _BIAS, vectors, own)
    return Collection(encoder).rerank(Question(vectors[:1].sum(axis=0), {}, kinds or SKETCH), candidates)
