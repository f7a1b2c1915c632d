"""Schemas of explanations. All boxes are shares of a whole picture's width and height, as people see it."""

from typing import Literal

from pydantic import BaseModel, Field

from service.listings import Answer, such_as

_SKETCH = {"x": 0.62, "y": 0.31, "width": 0.14, "height": 0.28}
_PHOTO = {"x": 0.71, "y": 0.36, "width": 0.12, "height": 0.25}
_TEXT = "right of the drawing -> right of the photo"
_MATCH = {
    "sketch": _SKETCH,
    "photo": _PHOTO,
    "strength": 0.61,
    "contribution": 0.412,
    "sketch_place": "right",
    "photo_place": "right",
    "text": _TEXT,
}
_PATCH = {"sketch": _SKETCH, "photo": _PHOTO, "strength": 0.61, "contribution": 0.412, "match": 0}
_ATTENTION = {
    "sketch": [[0.0, 0.0], [0.0, 0.412]],
    "photo": [[0.0, 0.0], [0.0, 0.412]],
    "sketch_area": {"x": 0.1, "y": 0.05, "width": 0.8, "height": 0.8},
    "photo_area": {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0},
}
Place = Literal[
    "top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"
]


class Box(BaseModel):
    """A rectangle in a picture, in shares of its width and height."""

    model_config = such_as(**_SKETCH)

    x: float = Field(description="The left edge.")
    y: float = Field(description="The top edge.")
    width: float
    height: float


class MatchInfo(BaseModel):
    """A part of the drawing, and the part of the photo that it matches."""

    model_config = such_as(**_MATCH)

    sketch: Box
    photo: Box
    strength: float = Field(description="How alike the two are, from -1 to 1.")
    contribution: float = Field(description="What it adds to the score: all of them add up to it.")
    sketch_place: Place = Field(description="Where it is in what is drawn.")
    photo_place: Place = Field(description="Where it is in the photo.")
    text: str = Field(description="The same in English.", examples=[_TEXT])


class PatchInfo(BaseModel):
    """One inked cell of the drawing, and the cell of the photo that it matches."""

    model_config = such_as(**_PATCH)

    sketch: Box = Field(description="Cells at the edge may extend beyond the drawing.")
    photo: Box = Field(description="What to show in its place, to rebuild the drawing from the photo.")
    strength: float
    contribution: float
    match: int = Field(description="Which of the `matches` it belongs to, from 0.")


class Attention(BaseModel):
    """What each cell of the grid adds to the score, row by row, and the area that the grid covers."""

    model_config = such_as(**_ATTENTION)

    sketch: list[list[float]]
    photo: list[list[float]]
    sketch_area: Box = Field(description="It is a square around the ink, and may extend beyond the drawing.")
    photo_area: Box


class ExplanationInfo(Answer):
    """Which parts of a drawing match which parts of a photo."""

    model_config = such_as(
        photo_id="1f0c5b7a9e3d2468",
        model="lite",
        score=0.412,
        matches=[_MATCH],
        collage=[_PATCH],
        attention=_ATTENTION,
    )

    photo_id: str
    model: str
    score: float = Field(
        description="How well the parts fit; it is not the `score` of a search, which compares whole pictures."
    )
    matches: list[MatchInfo] = Field(description="At most eight; what adds most comes first.")
    collage: list[PatchInfo]
    attention: Attention
