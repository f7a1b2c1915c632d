"""Schemas of the answers that list photos without a search, and of what is known of a photo."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

PHOTO: dict[str, Any] = {
    "id": "1f0c5b7a9e3d2468",
    "path": "2019/aquarium/dolphin.jpg",
    "url": "/photos/1f0c5b7a9e3d2468",
    "thumbnail_url": "/photos/1f0c5b7a9e3d2468/thumbnail?v=9b3ad1c47f",
    "width": 4032,
    "height": 3024,
    "taken": "2019-07-04T18:02:11",
    "camera": "Canon EOS R6",
    "colour": None,
    "favourite": False,
}


def such_as(**example: Any) -> ConfigDict:
    """An example for the OpenAPI document; a test validates it against the schema."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class Answer(BaseModel):
    """An answer whose validator is made when it is first needed: most starts never need most of them."""

    model_config = ConfigDict(defer_build=True)


class PhotoInfo(BaseModel):
    """A photo."""

    model_config = such_as(**PHOTO)

    id: str = Field(
        description="Opaque and stable; identifies the photo in all other calls.",
        examples=["1f0c5b7a9e3d2468"],
    )
    path: str = Field(description="Path below its photo folder.", examples=["2019/aquarium/dolphin.jpg"])
    url: str = Field(description="The photo itself.")
    thumbnail_url: str = Field(
        description="A WebP within 320 x 320; with `&size=medium` within 640, `&size=large` 1280."
    )
    width: int
    height: int
    taken: str | None = Field(None, description="The camera's local time.", examples=["2019-07-04T18:02:11"])
    camera: str | None = Field(None, examples=["Canon EOS R6"])
    colour: str | None = Field(
        None, description="Its dominant colour; null where the index does not know it.", examples=["#6b7f54"]
    )
    favourite: bool = Field(False, description="Whether somebody marked it as a favourite.")


class MonthInfo(Answer):
    """A month of the timeline."""

    model_config = such_as(month="2019-07", photos=318)

    month: str = Field(description="Empty for photos without a date.", examples=["2019-07"])
    photos: int


class Timeline(Answer):
    """How many photos each month has, newest first."""

    model_config = such_as(total=104_231, generation="000042", months=[{"month": "2019-07", "photos": 318}])

    total: int = Field(description="How many photos match.")
    generation: str
    months: list[MonthInfo]


class Listing(Answer):
    """A page of photos, newest first."""

    model_config = such_as(photos=[PHOTO], total=318, generation="000042")

    photos: list[PhotoInfo]
    total: int = Field(description="How many photos match, on all pages.")
    generation: str


class Group(Answer):
    """A photo and its near-duplicates, the original first."""

    model_config = such_as(photos=[PHOTO])

    photos: list[PhotoInfo]


class FolderFacet(Answer):
    """A folder, at any depth."""

    model_config = such_as(path="2019/aquarium", photos=41)

    path: str = Field(description="Below its photo folder, as the filter `folder` takes it.")
    photos: int = Field(description="How many photos are below it.")


class CameraFacet(Answer):
    """A camera."""

    model_config = such_as(name="Canon EOS R6", photos=2310)

    name: str
    photos: int


class YearFacet(Answer):
    """A year in which photos were taken."""

    model_config = such_as(year="2019", photos=6120)

    year: str
    photos: int


class FacetsInfo(Answer):
    """What the collection can be narrowed to."""

    model_config = such_as(
        folders=[{"path": "2019/aquarium", "photos": 41}],
        cameras=[{"name": "Canon EOS R6", "photos": 2310}],
        years=[{"year": "2019", "photos": 6120}],
        favourites=12,
        hidden=3,
    )

    folders: list[FolderFacet] = Field(description="The 500 with most photos, by path.")
    cameras: list[CameraFacet] = Field(description="The 500 with most photos, by name.")
    years: list[YearFacet] = Field(
        description="Of photos whose files say when they were taken, newest first."
    )
    favourites: int
    hidden: int


class Details(Answer):
    """What is known of a photo. What its file does not say is null."""

    model_config = such_as(
        photo=PHOTO,
        folder="2019/aquarium",
        file="dolphin.jpg",
        bytes=3_481_204,
        modified="2019-07-04T18:02:12+00:00",
        taken="2019-07-04T18:02:11",
        camera="Canon EOS R6",
        lens="RF24-105mm F4 L IS USM",
        exposure="1/250 s",
        aperture="f/4",
        iso=800,
        focal="35 mm",
        latitude=48.208333,
        longitude=16.373056,
        location=None,
    )

    photo: PhotoInfo
    folder: str = Field(description="Below its photo folder; empty for the photo folder itself.")
    file: str
    bytes: int
    modified: str | None = Field(description="When the file was last changed, in UTC.")
    taken: str | None
    camera: str | None
    lens: str | None = None
    exposure: str | None = Field(None, examples=["1/250 s"])
    aperture: str | None = Field(None, examples=["f/2.8"])
    iso: int | None = None
    focal: str | None = Field(None, description="The focal length.", examples=["35 mm"])
    latitude: float | None = Field(description="Degrees north.")
    longitude: float | None = Field(description="Degrees east.")
    location: str | None = Field(
        None,
        description="The path of the file; only for local callers of a service without keys, and admins.",
    )


class MarkState(Answer):
    """The marks of a photo."""

    model_config = such_as(favourite=True, hidden=False)

    favourite: bool
    hidden: bool


class Revealed(Answer):
    """The file manager shows the photo."""

    model_config = such_as(revealed=True)

    revealed: bool = True
