"""The parts of a query that are not pictures: words, and a photo in the index."""

from dataclasses import replace

from service.search.parameters import Parameter
from service.search.query import Kind, Part, Query

_LONGEST = 1000
_MOST_IDS = 16


def _with(query: Query, kind: Kind, value: str) -> Query:
    return replace(query, parts=(*query.parts, Part(kind, value, 1)))


def _signed(value: str) -> str:
    """Check a list of ids, some with a minus sign."""
    listed = [one.strip() for one in value.split(",")]
    ids = [one.removeprefix("-") for one in listed]
    if not all(ids):
        raise ValueError("an id is empty; write ids separated by commas, such as a,b,-c")
    if len(set(ids)) < len(ids):
        raise ValueError("an id is given twice; give each once")
    if len(ids) > _MOST_IDS:
        raise ValueError(f"{len(ids)} ids; at most {_MOST_IDS} are possible")
    return ",".join(listed)


TEXT = Parameter(
    str,
    "Words that describe it.",
    longest=_LONGEST,
    example="a red car at night",
    apply=lambda query, words: _with(query, Kind.TEXT, words),
)

LIKE = Parameter(
    str,
    "Ids of photos in the index, separated by commas: more like these or, with a - before the id, less like it.",
    longest=_LONGEST,
    clean=_signed,
    metavar="ID",
    example="1f0c5b7a9e3d2468",
    apply=lambda query, photo: _with(query, Kind.LIKE, photo),
)
