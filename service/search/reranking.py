"""The second stage of a search: which re-ranker looks at the first stage's photos, and what comes of it."""

from dataclasses import dataclass

import numpy as np

from indexer import Hit, Library
from model import Encoder
from model.modality import Vectors
from model.rerankers import RERANKERS, Candidates, Detail, Question, Reranker
from service.search.query import Query


@dataclass(frozen=True)
class Ranked:
    """A photo in its final place, and what the re-ranker says about it."""

    hit: Hit
    detail: Detail | None = None


class Rerankers:
    """Those of one model, each made when it is first asked for; without a name, `default` or what the card says."""

    def __init__(self, encoder: Encoder, default: str | None = None) -> None:
        self._encoder = encoder
        preferred: str = encoder.card.reranker
        self.default = default or preferred
        self._made: dict[str, Reranker] = {}
        self.chosen(None)

    def chosen(self, name: str | None) -> Reranker:
        """Raises UnknownName where no re-ranker bears the name."""
        wanted = name or self.default
        if wanted not in self._made:
            # Made twice where two threads ask at once: either will do.
            self._made[wanted] = RERANKERS.load(wanted)(self._encoder)
        return self._made[wanted]


def find(published: Library, question: Question, query: Query, reranker: Reranker) -> list[Ranked]:
    """The page of photos that a query asks for, in the re-ranker's order."""
    return second_stage(
        published, question, query, reranker, first_stage(published, question.vector, query, reranker)
    )


def first_stage(published: Library, vector: Vectors, query: Query, reranker: Reranker) -> list[Hit]:
    """The nearest photos: the page itself, or with a re-ranker all that it puts in order.

    The same candidates are put in order for every page, so that no photo is on two pages, or on none.
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
    """The page of what the first stage found."""
    if not reranker.depth:
        return [Ranked(hit) for hit in first]
    head, rest = first[: reranker.depth], first[reranker.depth :]
    candidates = Candidates(
        ids=np.array([hit.photo.id for hit in head], dtype=np.int64),
        scores=np.array([hit.score for hit in head], dtype=np.float32),
        vectors=published.vectors([hit.photo for hit in head]),
    )
    ranking = reranker.rerank(question, candidates)
    places = zip(ranking.order.tolist(), ranking.details, strict=True)
    ranked = [Ranked(head[place], detail) for place, detail in places]
    ranked += [Ranked(hit) for hit in rest]
    return ranked[query.offset : query.offset + query.k]
