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
    WrongModel,
)
from .folders.partition import Partition
from .generations.photos import Filter, Photo
from .generations.reader import Hit, Published, Refused
from .jobs.inspection import Finding, inspect
from .jobs.merge import merge
from .jobs.plan import RulesChange
from .jobs.run import run
from .jobs.status import Status, status
from .reports.progress import Reporter, Silent
from .reports.report import Report
from .stores import INDEX_TYPES, IndexType

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
