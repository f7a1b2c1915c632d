"""The keywords of a search, for type checkers. scripts/client_options.py makes it from PARAMETERS."""

from datetime import date
from pathlib import Path
from typing import TypedDict

from PIL.Image import Image

# A file, the bytes of one, or a picture that Pillow holds.
Picture = str | Path | bytes | Image


class SearchOptions(TypedDict, total=False):
    """What a search takes; docs/api.md says what each means."""

    sketch: Picture | None
    photo: Picture | None
    text: str | None
    like: str | None
    sketch_weight: float
    photo_weight: float
    text_weight: float
    like_weight: float
    k: int
    offset: int
    min_score: float | None
    fold_duplicates: bool
    folder: str | None
    after: str | date | None
    before: str | date | None
    camera: str | None
    rerank: str | None
