"""Find out how much effort a search needs: sample queries, the scores of what an exact scan finds, and recall."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from indexer.stores import File, OnStep, Source
from indexer.stores.halves import to_float32
from model.modality import Vectors, unit

# Results per query; finding fewer takes no less effort.
TUNED_AT = 10
QUESTIONS = 400
# Scores that differ by no more are equal.
_ROUNDED = 1e-4


@dataclass(frozen=True)
class Sample:
    """Queries, and for each the least score of those that belong to its ten best; any of several equals does."""

    queries: Vectors
    limit: Vectors
    most: int

    @classmethod
    def of(cls, source: Source, tell: OnStep) -> "Sample":
        """The queries that come with the source; if there are none, shaken vectors."""
        queries = _shaken(source) if source.questions is None else source.questions
        limit = _least_scores(source, queries, tell) - _ROUNDED
        return cls(queries, limit, min(TUNED_AT, source.count))

    @property
    def halves(self) -> tuple["Sample", "Sample"]:
        """One to choose the effort with, the other to judge it."""
        # A single query serves for both.
        other = slice(min(1, len(self.queries) - 1), None, 2)
        return (
            Sample(self.queries[::2], self.limit[::2], self.most),
            Sample(self.queries[other], self.limit[other], self.most),
        )

    def recall(self, file: File) -> float:
        """The share of the ten best that a file finds."""
        found = file.search(self.queries, self.most)
        return self.share(np.where(found.ids < 0, -np.inf, found.scores))

    def share(self, scores: Vectors) -> float:
        """The share of these scores, a row for each query, that belong to the ten best."""
        return float((scores >= self.limit[:, None]).mean())


def _shaken(source: Source) -> Vectors:
    """Stored vectors plus random noise, about as near to their photos as drawings are; without biases."""
    chosen = source.sample(QUESTIONS)
    own = chosen.shape[1] - source.tail
    noise = np.random.default_rng(0).standard_normal((len(chosen), own)).astype(np.float32)
    chosen[:, :own] = unit(chosen[:, :own] + unit(noise))
    chosen[:, own:] = 0
    return chosen


def least(good: Callable[[int], bool], most: int) -> int:
    """About the least effort that is good, and a margin, because half of all other queries are harder."""
    effort, previous = 1, 0
    while effort < most and not good(effort):
        previous, effort = effort, 2 * effort
    while effort - previous > max(1, effort // 8):
        middle = (previous + effort) // 2
        previous, effort = (previous, middle) if good(middle) else (middle, effort)
    return effort - (-effort // 4)


def _least_scores(source: Source, queries: Vectors, tell: OnStep) -> Vectors:
    best = np.empty((len(queries), 0), dtype=np.float32)
    done = 0
    for ids, vectors in source.batches():
        exact = to_float32(np.asarray(vectors, dtype=np.float16))
        best = np.concatenate([best, queries @ exact.T], axis=1)
        at = min(TUNED_AT, best.shape[1])
        best = -np.partition(-best, at - 1, axis=1)[:, :at]
        done += len(ids)
        tell("measuring", done, source.count)
    scores: Vectors = best.min(axis=1)
    return scores
