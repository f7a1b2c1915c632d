"""The second stage of a search: choose a re-ranker and apply it to the photos of the first stage."""

from dataclasses import dataclass

import numpy as np

from indexer import Hit, Library
from model import Encoder, ModelError
from model.modality import Vectors
from model.rerankers import RERANKERS, Candidates, Detail, Question, Reranker
from service.search.query import Query


@dataclass(frozen=True)
class Ranked:
    """A photo in its final place, and what the re-ranker says about it."""

    hit: Hit
    detail: Detail | None = None


class Rerankers:
    """The re-rankers of a model, each created on first use; without a name, `default` or the card's."""

    def __init__(self, encoder: Encoder, default: str | None = None) -> None:
        self._encoder = encoder
        self.default: str = default or encoder.card.reranker
        self._made: dict[str, Reranker] = {}
        self.chosen(None)

    def chosen(self, name: str | None) -> Reranker:
        """Return the re-ranker of that name; raises UnknownName if there is none."""
        wanted = name or self.default
        if wanted not in self._made:
            # If two threads ask at once, it is created twice: either will do.
            self._made[wanted] = RERANKERS.load(wanted)(self._encoder)
        return self._made[wanted]


def find(published: Library, question: Question, query: Query, reranker: Reranker) -> list[Ranked]:
    """Find the page of photos that a query requests, in the re-ranker's order."""
    return second_stage(
        published, question, query, reranker, first_stage(published, question.vector, query, reranker)
    )


def first_stage(published: Library, vector: Vectors, query: Query, reranker: Reranker) -> list[Hit]:
    """Find the nearest photos: the page itself or, with a re-ranker, all its candidates.

    Every page reorders the same candidates, so that no photo is on two pages, or on none.
    """
    k, offset = query.k, query.offset
    if reranker.depth:
        k, offset = max(reranker.depth, offset + k), 0
    return published.search(
        vector,
        k,
        offset=offset,
        where=query.where,
        min_score=query.min_score,
        fold_duplicates=query.fold_duplicates,
    )


def second_stage(
    published: Library, question: Question, query: Query, reranker: Reranker, first: list[Hit]
) -> list[Ranked]:
    """Reorder what the first stage found, and return the page."""
    if not reranker.depth:
        return [Ranked(hit) for hit in first]
    head, rest = first[: reranker.depth], first[reranker.depth :]
    candidates = Candidates(
        ids=np.array([hit.photo.id for hit in head], dtype=np.int64),
        scores=np.array([hit.score for hit in head], dtype=np.float32),
        vectors=published.vectors([hit.photo for hit in head]),
    )
    ranking = reranker.rerank(question, candidates)
    if sorted(ranking.order.tolist()) != list(range(len(head))):
        raise ModelError(
            f"the re-ranker {type(reranker).__name__} did not return every candidate exactly once"
        )
    places = zip(ranking.order.tolist(), ranking.details, strict=True)
    ranked = [Ranked(head[place], detail) for place, detail in places]
    ranked += [Ranked(hit) for hit in rest]
    return ranked[query.offset : query.offset + query.k]
