"""Photos as rows of a table. Servers differ in what they know of missing values, so a missing one is a value, too."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from indexer.values import Photo

# Columns by type; `camera` is compared without regard to the case of ASCII letters, by `camera_key`.
TEXTS = ("root", "relative", "content", "taken", "camera", "camera_key", "moment")
WHOLES = ("width", "height", "colour", "grp", "place")
REALS = ("latitude", "longitude", "bias0", "bias1", "bias2")
BIASES = ("bias0", "bias1", "bias2")
COLUMNS = ("id", *TEXTS, *WHOLES, *REALS)
# The local parts as text; only tables whose photos have some have it.
PART = "part"
# What the whole row was made from, as a number; only live tables have it.
STAMP = "stamp"
PHOTO = ("id", *TEXTS[:5], "moment", *WHOLES[:4], "latitude", "longitude")

_NOWHERE = 1000.0
_COLOURLESS = -1
_VALUES = attrgetter(*(field.name for field in fields(Photo)))


@dataclass(frozen=True)
class Row:
    """A photo, and its place among all, newest first."""

    photo: Photo
    place: int


def columns_of(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The columns of some rows, except for biases and parts."""
    photos = [row.photo for row in rows]
    return {
        "id": [photo.id for photo in photos],
        "root": [photo.root for photo in photos],
        "relative": [photo.relative for photo in photos],
        "content": [photo.content for photo in photos],
        "taken": [photo.taken or "" for photo in photos],
        "camera": [photo.camera or "" for photo in photos],
        "camera_key": [lowered(photo.camera or "") for photo in photos],
        "moment": [photo.moment or "" for photo in photos],
        "width": [photo.width for photo in photos],
        "height": [photo.height for photo in photos],
        "colour": [_COLOURLESS if photo.colour is None else photo.colour for photo in photos],
        "grp": [photo.group for photo in photos],
        "place": [row.place for row in rows],
        "latitude": [_NOWHERE if photo.latitude is None else photo.latitude for photo in photos],
        "longitude": [_NOWHERE if photo.longitude is None else photo.longitude for photo in photos],
    }


def stamp_of(row: Row, made_by: str, has_part: bool) -> int:
    """A number that changes with anything in a row; `made_by` says what makes a vector and a part of a content.

    So the rows that have to be sent are found without reading vectors, here or on the server.
    """
    known = repr((_VALUES(row.photo), row.place, made_by, has_part)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(known, digest_size=8).digest(), "big") >> 1


def photos_of(columns: Mapping[str, Sequence[Any]]) -> Iterator[Photo]:
    """The photos of an answer with the columns PHOTO."""
    for values in zip(*(columns[name] for name in PHOTO), strict=True):
        row = dict(zip(PHOTO, values, strict=True))
        yield Photo(
            id=row["id"],
            root=row["root"],
            relative=row["relative"],
            content=row["content"],
            width=row["width"],
            height=row["height"],
            taken=row["taken"] or None,
            camera=row["camera"] or None,
            latitude=None if row["latitude"] == _NOWHERE else row["latitude"],
            longitude=None if row["longitude"] == _NOWHERE else row["longitude"],
            colour=None if row["colour"] == _COLOURLESS else row["colour"],
            moment=row["moment"] or None,
            duplicate_of=None if row["grp"] == row["id"] else row["grp"],
        )


def lowered(name: str) -> str:
    """Lower-case the ASCII letters only, as SQLite's NOCASE compares."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
