"""Filters: where photos are, and when and with which camera they were taken."""

import re
from dataclasses import replace
from datetime import date, datetime

from service.search.parameters import Parameter
from service.search.query import Query

_LONGEST = 1000
_MOMENTS = "the camera's local time, without a zone: 2024, 2024-07, 2024-07-31, or 2024-07-31T18:00"
# A time of day needs a full date before it, and a fraction needs a full time of day.
_MOMENT = re.compile(
    r"([0-9]{4}(?:-[0-9]{2}){0,2})"
    r"(?:(?<=-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}(?::[0-9]{2}){0,2}))?"
    r"(?:(?<=:[0-9]{2}:[0-9]{2})[.,]([0-9]{1,9}))?"
)


def _moment(value: str) -> str:
    """Convert a time to the start of its period, in the index's format, where times compare as text.

    Cameras write local time in an unknown zone, and whole seconds, between which a
    fraction sorts correctly as text, too.
    """
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        raise ValueError(_MOMENTS)
    day, time, fraction = found.groups("")
    whole = f"{day}T{time}" if time else day
    try:
        datetime.fromisoformat(whole + "0001-01-01T00:00:00"[len(whole) :])
    except ValueError:
        raise ValueError(f"not a valid time; {_MOMENTS}") from None
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


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
    clean=_moment,
    also=(date,),
    metavar="TIME",
    example="2024-07",
    narrows=True,
    apply=lambda query, moment: query.filtered(after=moment),
)

BEFORE = Parameter(
    str,
    "Only photos taken before this time, such as 2025.",
    clean=_moment,
    also=(date,),
    metavar="TIME",
    example="2025",
    narrows=True,
    apply=lambda query, moment: query.filtered(before=moment),
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
