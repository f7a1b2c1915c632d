"""The parts of a query that are no files: strokes, words, and a photo in the index."""

from dataclasses import replace
from typing import TYPE_CHECKING

from service.problems import ServiceError
from service.search.parameters import Parameter
from service.search.query import Kind, Part, Query

if TYPE_CHECKING:
    from model.pictures.strokes import Stroke

_LONGEST = 1000
# As model.pictures.strokes, which is not imported here.
_LONGEST_DRAWING = 2**17
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


def _strokes(value: str) -> "tuple[Stroke, ...]":
    # Imported only now: the command's help must not wait for numpy.
    from model.errors import BadImage
    from model.pictures.strokes import read

    try:
        return read(value)
    except BadImage as error:
        raise ValueError(str(error)) from None


def _drawable(value: str) -> str:
    _strokes(value)
    return value


def _drawn(query: Query, value: str) -> Query:
    if any(part.kind == Kind.SKETCH for part in query.parts):
        raise ServiceError("invalid_request", "strokes: there is a sketch, too; give one of them, not both")
    return replace(query, parts=(*query.parts, Part(Kind.SKETCH, _strokes(value), 1)))


STROKES = Parameter(
    str,
    "A drawing as JSON instead of a picture: its lines on a paper of 512 x 512, x to the right and y down.",
    longest=_LONGEST_DRAWING,
    clean=_drawable,
    metavar="JSON",
    example='[{"width": 7, "points": [[100, 120], [180, 90]]}]',
    apply=_drawn,
)

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
