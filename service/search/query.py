"""What a search asks: pictures, words and a known photo, each with a weight, and which photos may answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from indexer.generations.photos import Filter
from service.problems import ServiceError

_LONGEST = 1000
_MOMENTS = "the camera's local time, without a zone: 2024, 2024-07, 2024-07-31, or 2024-07-31T18:00"
# A time of day wants a whole date before it, and a fraction a whole time of day.
_MOMENT = re.compile(
    r"([0-9]{4}(?:-[0-9]{2}){0,2})"
    r"(?:(?<=-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}(?::[0-9]{2}){0,2}))?"
    r"(?:(?<=:[0-9]{2}:[0-9]{2})[.,]([0-9]{1,9}))?"
)


class Kind(StrEnum):
    """What a part of a query is. The first two are pictures."""

    SKETCH = "sketch"
    PHOTO = "photo"
    TEXT = "text"
    LIKE = "like"


PICTURES = (Kind.SKETCH, Kind.PHOTO)


def _given(value: object) -> object:
    """Forms send fields that nobody filled in as empty ones."""
    return None if isinstance(value, str) and not value.strip() else value


def _moment(value: str) -> str:
    """The beginning of a time as the index holds it, which compares times as text.

    Cameras write their own clock's time, of which nobody knows the zone; and whole seconds, between which a
    fraction lies as text, too.
    """
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        raise ValueError(_MOMENTS)
    day, time, fraction = found.groups("")
    whole = f"{day}T{time}" if time else day
    try:
        datetime.fromisoformat(whole + "0001-01-01T00:00:00"[len(whole) :])
    except ValueError:
        raise ValueError(f"there is no such time; {_MOMENTS}") from None
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _inside(value: str) -> str:
    """Below a photo folder: where those lie is nobody's business. Backslashes part folders, or belong to a name."""
    parts = value.replace("\\", "/").split("/")
    if value.startswith("/") or ".." in parts or "\0" in value:
        raise ValueError("a path below a photo folder, as in the `path` of results")
    return "/".join(part for part in value.split("/") if part not in ("", "."))


def _one_line(value: str) -> str:
    """As the index holds what cameras say of themselves."""
    return " ".join(value.split())


Short = Annotated[str, Field(max_length=_LONGEST)]
Text = Annotated[Short | None, BeforeValidator(_given)]
Weight = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Moment = Annotated[Annotated[str, AfterValidator(_moment)] | None, BeforeValidator(_given)]
Camera = Annotated[Annotated[Short, AfterValidator(_one_line)] | None, BeforeValidator(_given)]
Folder = Annotated[Annotated[Short, AfterValidator(_inside)] | None, BeforeValidator(_given)]


class Wishes(BaseModel):
    """All that a search can be told beside its pictures, in the address or as fields of a form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Text = Field(None, description="Words.", examples=["a red car at night"])
    like: Text = Field(None, description="The id of a photo.", examples=["1f0c5b7a9e3d2468"])
    sketch_weight: Weight = Field(1, description="Less than zero: away from it.")
    photo_weight: Weight = 1
    text_weight: Weight = 1
    like_weight: Weight = 1
    k: int = Field(20, ge=1, le=200, description="How many photos.")
    offset: int = Field(
        0, ge=0, le=10_000, description="How many of the best to leave out: for the next page."
    )
    min_score: float | None = Field(
        None, ge=-1, le=1, allow_inf_nan=False, description="Leave worse ones out."
    )
    fold_duplicates: bool = Field(False, description="Of near-duplicates, show the best alone.")
    folder: Folder = Field(None, description="Only photos below it.", examples=["2019/aquarium"])
    after: Moment = Field(None, description="Taken then or later.", examples=["2024-07"])
    before: Moment = Field(None, description="Taken earlier.", examples=["2025"])
    camera: Camera = Field(None, description="Taken with it; in any case.", examples=["Canon EOS R6"])


@dataclass(frozen=True)
class Part:
    """One thing that is looked for: a picture or its file, words, or an id."""

    kind: Kind
    value: bytes | Path | str
    weight: float


@dataclass(frozen=True)
class Query:
    parts: tuple[Part, ...]
    k: int = 20
    offset: int = 0
    min_score: float | None = None
    fold_duplicates: bool = False
    where: Filter | None = field(default=None)
    # None for the one that the service or the model prefers.
    rerank: str | None = None

    @property
    def has_pictures(self) -> bool:
        return any(part.kind in PICTURES for part in self.parts)


def asked(pictures: Mapping[Kind, bytes | Path], wishes: Wishes) -> Query:
    """The query that pictures and wishes make together; refused where nothing is looked for."""
    values: Mapping[Kind, bytes | Path | str | None] = {
        **pictures,
        Kind.TEXT: wishes.text,
        Kind.LIKE: wishes.like,
    }
    parts = tuple(
        Part(kind, value, getattr(wishes, f"{kind}_weight")) for kind, value in values.items() if value
    )
    if not parts:
        detail = "nothing to search for: send a sketch, a photo, text, or the id of a photo as `like`"
        raise ServiceError("empty_query", detail)
    if all(part.weight == 0 for part in parts):
        raise ServiceError("empty_query", "all weights are zero: give something a weight")
    where = Filter(wishes.folder, wishes.after, wishes.before, wishes.camera)
    return Query(
        parts,
        wishes.k,
        wishes.offset,
        wishes.min_score,
        wishes.fold_duplicates,
        None if where == Filter() else where,
    )
