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
from indexer.inspection import Finding, inspect
from indexer.job import run
from indexer.merging import merge
from indexer.partition import Partition
from indexer.photos import Filter, Photo
from indexer.plan import RulesChange
from indexer.progress import Reporter, Silent
from indexer.published import Hit, Published, Refused
from indexer.report import Report
from indexer.status import Status, status
from indexer.stores import INDEX_TYPES, IndexType
from indexer.thumbnails import has_thumbnail, make_thumbnail, thumbnail_path, write_thumbnail

__all__ = [
    "INDEX_TYPES",
    "BrokenGeneration",
    "Filter",
    "Finding",
    "Hit",
    "IndexBusy",
    "IndexProblem",
    "IndexType",
    "NoIndex",
    "NothingToIndex",
    "Partition",
    "Photo",
    "PhotosMissing",
    "Published",
    "Refused",
    "Report",
    "Reporter",
    "RulesChange",
    "Silent",
    "Status",
    "WrongModel",
    "has_thumbnail",
    "inspect",
    "make_thumbnail",
    "merge",
    "run",
    "status",
    "thumbnail_path",
    "write_thumbnail",
]
