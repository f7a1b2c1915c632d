"""The second stage of a search: choose a re-ranker and apply it to the photos of the first stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import Hit, Library
from indexer.values import Nearest
from model import Encoder, ModelError
from model.rerankers import RERANKERS, Candidates, Detail, Question, Ranking, Reranker
from service.search.query import Query

# If even the best is less likely right than this, nothing is close: said of 3 % of searches, at most, that find
# something (python -m bench.relevance).
CLOSE = 0.15


@dataclass(frozen=True)
class Ranked:
    """A photo in its final place, and what the re-ranker says about it."""

    hit: Hit
    detail: Detail | None = None
    relevance: float | None = None


@dataclass(frozen=True)
class Answer:
    """A page of photos, and whether probably none, on no page, shows what was searched for."""

    ranked: list[Ranked]
    nothing_close: bool = False


class Rerankers:
    """The re-rankers of a model, each created on first use; without a name, `default` or the card's.

    `candidates`, if given, is how many photos those reorder that reorder any.
    """

    def __init__(self, encoder: Encoder, default: str | None = None, candidates: int = 0) -> None:
        self._encoder, self._candidates = encoder, candidates
        self.default: str = default or encoder.card.reranker
        self._made: dict[str, Reranker] = {}
        self.chosen(None)

    def chosen(self, name: str | None) -> Reranker:
        """Return the re-ranker of that name; raises UnknownName if there is none."""
        wanted = name or self.default
        if wanted not in self._made:
            # If two threads ask at once, it is created twice: either will do.
            made = RERANKERS.load(wanted)(self._encoder)
            made.depth = self._candidates if self._candidates and made.depth else made.depth
            self._made[wanted] = made
        return self._made[wanted]


def find(published: Library, question: Question, query: Query, reranker: Reranker) -> Answer:
    """Find the page of photos that a query requests, in the re-ranker's order."""
    return second_stage(
        published, question, query, reranker, first_stage(published, question, query, reranker)
    )


def first_stage(published: Library, question: Question, query: Query, reranker: Reranker) -> Nearest:
    """Find the nearest photos: up to the end of the page and, with a re-ranker, all its candidates.

    Every page reorders the same candidates, so that no photo is on two pages, or on none.
    """
    return published.nearest(
        question.vector,
        max(reranker.depth, query.offset + query.k),
        where=query.where,
        min_score=query.min_score,
        fold_duplicates=query.fold_duplicates,
        kinds=question.kinds if reranker.corrected else None,
    )


def second_stage(
    published: Library, question: Question, query: Query, reranker: Reranker, first: Nearest
) -> Answer:
    """Reorder what the first stage found, and return the page."""
    order: NDArray[np.int64] = np.arange(len(first))
    details: list[Detail | None] = [None] * len(first)
    relevance: list[float | None] = [None] * len(first)
    nothing_close = False
    if head := min(reranker.depth, len(first)):
        ranking = _reranked(published, question, reranker, first, head)
        order[:head], details[:head] = ranking.order, ranking.details
        if ranking.relevance is not None:
            relevance[:head] = ranking.relevance.tolist()
            nothing_close = float(ranking.relevance.max()) < CLOSE
    page = slice(query.offset, query.offset + query.k)
    shown = order[page]
    hits = published.hits(
        first.ids[shown], first.scores[shown], folded=query.fold_duplicates, where=query.where
    )
    ranked = [Ranked(*one) for one in zip(hits, details[page], relevance[page], strict=True)]
    return Answer(ranked, nothing_close)


def _reranked(
    published: Library, question: Question, reranker: Reranker, first: Nearest, head: int
) -> Ranking:
    best = first if head == len(first) else first[:head]
    vectors = published.vectors(best.ids) if best.vectors is None else best.vectors
    candidates = Candidates(best.ids, best.scores, vectors, best.corrected)
    ranking = reranker.rerank(question, candidates)
    if sorted(ranking.order.tolist()) != list(range(head)):
        raise ModelError(
            f"the re-ranker {type(reranker).__name__} did not return every candidate exactly once"
        )
    return ranking
