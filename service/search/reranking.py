"""The second stage of a search: choose a re-ranker and apply it to the photos of the first stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import Hit, Library
from indexer.values import Nearest
from model import Encoder, ModelError
from model.local.coding import Rows
from model.local.local import Local
from model.rerankers import (
    RERANKERS,
    WITHOUT_PARTS,
    Candidates,
    Detail,
    Question,
    Ranking,
    Reranker,
    compares_parts,
)
from service.search.query import Kind, Query

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
    # The re-ranker that ordered them, and why it is not the one that was asked for.
    ranked_by: str = ""
    remark: str | None = None


@dataclass(frozen=True)
class Choice:
    """The re-ranker for a query, and why it is not the one that was asked for; `local` if it compares local parts."""

    name: str
    reranker: Reranker
    remark: str | None = None
    local: Local | None = None

    @property
    def head(self) -> str:
        """The local head whose rows it compares; empty for none."""
        return "" if self.local is None else self.local.digest


class Rerankers:
    """The re-rankers of a model, each created on first use; without a name, `default` or the card's.

    `candidates`, if given, is how many photos those reorder that reorder any.
    """

    def __init__(self, encoder: Encoder, default: str | None = None, candidates: int = 0) -> None:
        self._encoder, self._named, self._candidates = encoder, default, candidates
        self.default: str = default or encoder.card.reranker
        self._made: dict[str, Reranker] = {}
        self.chosen(None)

    def of(self, encoder: Encoder) -> "Rerankers":
        """The same choice for another model."""
        return self if encoder is self._encoder else Rerankers(encoder, self._named, self._candidates)

    def chosen(self, name: str | None) -> Reranker:
        """Return the re-ranker of that name; raises UnknownName if there is none."""
        wanted = name or self.default
        if wanted not in self._made:
            # If two threads ask at once, it is created twice: either will do.
            made = RERANKERS.load(wanted)(self._encoder)
            made.depth = self._candidates if self._candidates and made.depth else made.depth
            self._made[wanted] = made
        return self._made[wanted]

    def fitting(self, query: Query, published: Library) -> Choice:
        """Return the re-ranker for a query, or the one that does what is left where there are no parts to compare."""
        name = query.rank or self.default
        reranker, local = self.chosen(name), self._encoder.local
        if not compares_parts(reranker):
            return Choice(name, reranker)
        why = self._nothing_to_compare(query, published)
        if why is None:
            return Choice(name, reranker, local=local)
        instead = WITHOUT_PARTS.get(name, "plain")
        # Words are no mistake of those who asked for no order.
        remark = None if query.rank is None and not _draws(query) else f"ordered as by rank={instead}: {why}"
        return Choice(instead, self.chosen(instead), remark)

    def _nothing_to_compare(self, query: Query, published: Library) -> str | None:
        """Why there are no parts to compare, and what to do; None if there are."""
        local, stored = self._encoder.local, published.manifest.parts
        if local is None:
            return f"model {self._encoder.card.name!r} compares no local parts; choose one with a local head"
        if not _draws(query):
            return "this query has no drawing whose local parts could be compared; add one"
        if not len(published) or stored == local.digest:
            return None
        if stored:
            return "the local parts in the index are those of another model; run sketchseek index again"
        return "the index has no local parts yet; run sketchseek index again to add them"


def _draws(query: Query) -> bool:
    return any(part.kind == Kind.SKETCH and part.weight > 0 for part in query.parts)


def find(published: Library, question: Question, query: Query, reranker: Reranker, head: str = "") -> Answer:
    """Find the page of photos that a query requests, in the re-ranker's order; `head` is that of `Choice`."""
    first = first_stage(published, question, query, reranker)
    return second_stage(published, question, query, reranker, first, head)


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
    published: Library, question: Question, query: Query, reranker: Reranker, first: Nearest, head: str = ""
) -> Answer:
    """Reorder what the first stage found, and return the page."""
    order: NDArray[np.int64] = np.arange(len(first))
    details: list[Detail | None] = [None] * len(first)
    relevance: list[float | None] = [None] * len(first)
    nothing_close = False
    if count := min(reranker.depth, len(first)):
        candidates = _candidates(published, first if count == len(first) else first[:count], head)
        ranking = _reranked(question, reranker, candidates)
        order[:count], details[:count] = ranking.order, ranking.details
        if ranking.relevance is not None:
            relevance[:count] = ranking.relevance.tolist()
            nothing_close = float(ranking.relevance.max()) < CLOSE
    page = slice(query.offset, query.offset + query.k)
    shown = order[page]
    hits = published.hits(
        first.ids[shown], first.scores[shown], folded=query.fold_duplicates, where=query.where
    )
    ranked = [Ranked(*one) for one in zip(hits, details[page], relevance[page], strict=True)]
    return Answer(ranked, nothing_close)


def _candidates(published: Library, best: Nearest, head: str) -> Candidates:
    vectors = published.vectors(best.ids) if best.vectors is None else best.vectors

    def rows(which: NDArray[np.int64]) -> tuple[Rows, NDArray[np.bool_]]:
        found = published.parts(best.ids[which], head)
        if found is None:
            return np.empty((len(which), 0), dtype=np.uint8), np.zeros(len(which), dtype=bool)
        return found.rows, found.present

    return Candidates(best.ids, best.scores, vectors, best.corrected, rows if head else None)


def _reranked(question: Question, reranker: Reranker, candidates: Candidates) -> Ranking:
    ranking = reranker.rerank(question, candidates)
    if sorted(ranking.order.tolist()) != list(range(len(candidates))):
        raise ModelError(
            f"the re-ranker {type(reranker).__name__} did not return every candidate exactly once"
        )
    return ranking
