"""From folders to a published index. Knows only the encoder's face of the model."""

from indexer.errors import (
    BrokenGeneration,
    IndexBusy,
    IndexProblem,
    NoIndex,
    NothingToIndex,
    PhotosMissing,
    WrongModel,
)
from indexer.job import Report, run
from indexer.photos import Photo
from indexer.progress import Reporter, Silent
from indexer.published import Hit, Published
from indexer.thumbnails import has_thumbnail, make_thumbnail, thumbnail_path, write_thumbnail

__all__ = [
    "BrokenGeneration",
    "Hit",
    "IndexBusy",
    "IndexProblem",
    "NoIndex",
    "NothingToIndex",
    "Photo",
    "PhotosMissing",
    "Published",
    "Report",
    "Reporter",
    "Silent",
    "WrongModel",
    "has_thumbnail",
    "make_thumbnail",
    "run",
    "thumbnail_path",
    "write_thumbnail",
]
