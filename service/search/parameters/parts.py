"""The parts of a query that are not pictures: words, and a photo in the index."""

from dataclasses import replace

from service.search.parameters import Parameter
from service.search.query import Kind, Part, Query

_LONGEST = 1000


def _with(query: Query, kind: Kind, value: str) -> Query:
    return replace(query, parts=(*query.parts, Part(kind, value, 1)))


TEXT = Parameter(
    str,
    "Words that describe it.",
    longest=_LONGEST,
    example="a red car at night",
    apply=lambda query, words: _with(query, Kind.TEXT, words),
)

LIKE = Parameter(
    str,
    "The id of a photo in the index.",
    longest=_LONGEST,
    metavar="ID",
    example="1f0c5b7a9e3d2468",
    apply=lambda query, photo: _with(query, Kind.LIKE, photo),
)
