"""What the ranking leaves out, and which second stage reorders it."""

from collections.abc import Sequence
from dataclasses import replace

from service.search.parameters import Parameter
from service.search.query import Query


def _rankings() -> Sequence[str]:
    # Imported only now: the command's help must not wait for numpy.
    from model.rerankers import RERANKERS

    return RERANKERS.names


MIN_SCORE = Parameter(
    float,
    "Leave out photos that score less.",
    least=-1,
    most=1,
    narrows=True,
    apply=lambda query, score: replace(query, min_score=score),
)

FOLD_DUPLICATES = Parameter(
    bool,
    "Show only the original of near-duplicates.",
    default=Query.fold_duplicates,
    apply=lambda query, fold: replace(query, fold_duplicates=fold),
)

RANK = Parameter(
    str,
    "How to order the results: `plain` by score alone, `collection` also by what the other photos show, `local` "
    "also by which parts of the drawing the best photos have, and where, `all` by all of these.",
    choices=_rankings,
    labels={
        "plain": "By score alone",
        "collection": "By score and similar photos",
        "local": "By score and matching parts",
        "all": "By score, similar photos and matching parts",
    },
    metavar="NAME",
    label="Order",
    apply=lambda query, name: replace(query, rank=name),
)
