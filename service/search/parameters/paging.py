"""Paging: which part of the ranking to return."""

from dataclasses import replace

from service.search.parameters import Parameter
from service.search.query import Query

K = Parameter(
    int,
    "How many photos to list.",
    default=Query.k,
    least=1,
    most=200,
    apply=lambda query, k: replace(query, k=k),
)

OFFSET = Parameter(
    int,
    "Skip this many of the best results.",
    default=Query.offset,
    least=0,
    most=10_000,
    narrows=True,
    apply=lambda query, offset: replace(query, offset=offset),
)
