"""Filters: where photos are, and when and with which camera they were taken."""

from dataclasses import replace
from datetime import date

from service.search.parameters import Parameter
from service.search.parameters.moments import moment
from service.search.query import Query

_LONGEST = 1000


def _inside(value: str) -> str:
    """Check a path relative to a photo folder, whose location is private. Backslashes separate, or belong to a name."""
    parts = value.replace("\\", "/").split("/")
    if value.startswith("/") or ".." in parts or "\0" in value:
        raise ValueError("a path below a photo folder, as in the `path` of results")
    return "/".join(part for part in value.split("/") if part not in ("", "."))


def _one_line(value: str) -> str:
    """Normalise a camera's name as the index does."""
    return " ".join(value.split())


FOLDER = Parameter(
    str,
    "Only photos in this folder, relative to the photo folder.",
    longest=_LONGEST,
    clean=_inside,
    example="2019/aquarium",
    narrows=True,
    apply=lambda query, folder: query.filtered(folder=folder),
)

AFTER = Parameter(
    str,
    "Only photos taken at or after this time, such as 2024-07.",
    clean=moment,
    also=(date,),
    metavar="TIME",
    example="2024-07",
    narrows=True,
    apply=lambda query, since: query.filtered(after=since),
)

BEFORE = Parameter(
    str,
    "Only photos taken before this time, such as 2025.",
    clean=moment,
    also=(date,),
    metavar="TIME",
    example="2025",
    narrows=True,
    apply=lambda query, until: query.filtered(before=until),
)

CAMERA = Parameter(
    str,
    "Only photos taken with this camera, or with those whose names contain this; case does not matter.",
    longest=_LONGEST,
    clean=_one_line,
    example="Canon EOS R6",
    narrows=True,
    apply=lambda query, camera: query.filtered(camera=camera),
)

FAVOURITES = Parameter(
    bool,
    "Only photos that are marked as favourites.",
    default=Query.favourites,
    narrows=True,
    apply=lambda query, favourites: replace(query, favourites=favourites),
)
