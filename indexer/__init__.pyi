"""The public names of this package; `__init__.py` loads each one on first use."""

from .decoding.thumbnails import (
    has_thumbnail,
    make_thumbnail,
    thumbnail_path,
    write_thumbnail,
)
from .errors import (
    BrokenGeneration,
    IndexBusy,
    IndexProblem,
    NoIndex,
    NothingToIndex,
    PhotosMissing,
    StoreUnavailable,
    WrongModel,
)
from .folders.partition import Partition
from .generations.reader import Published
from .jobs.inspection import Finding, inspect
from .jobs.merge import merge
from .jobs.plan import RulesChange
from .jobs.run import run
from .jobs.status import Status, status
from .library import Library, Shelf, shelf
from .reports.progress import Reporter, Silent
from .reports.report import Report
from .stores.registry import index_types
from .values import Filter, Hit, Photo, Refused

__all__ = [
    "BrokenGeneration",
    "Filter",
    "Finding",
    "Hit",
    "IndexBusy",
    "IndexProblem",
    "Library",
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
    "Shelf",
    "Silent",
    "Status",
    "StoreUnavailable",
    "WrongModel",
    "has_thumbnail",
    "index_types",
    "inspect",
    "make_thumbnail",
    "merge",
    "run",
    "shelf",
    "status",
    "thumbnail_path",
    "write_thumbnail",
]
