"""What can be wrong with an index. All are SketchseekErrors: one clear line for the user.

IndexProblem
├── NoIndex            the folder is not an index, or nothing has been published in it yet
├── BrokenGeneration   a published file is missing or is not what its manifest says
├── WrongModel         the index was made by another model than the one that asks
├── IndexBusy          another run is writing to this index
├── PhotosMissing      a photo folder is missing, empty or unreadable, which is not taken for a deletion
└── NothingToIndex     no photo could be indexed at all
"""

from model import SketchseekError


class IndexProblem(SketchseekError):
    """Something is wrong with an index or with what it is made from."""


class NoIndex(IndexProblem):
    """The folder is not an index, or nothing has been published in it yet."""


class BrokenGeneration(IndexProblem):
    """A published file is missing or is not what its manifest says."""


class WrongModel(IndexProblem):
    """The index was made by another model than the one that asks."""


class IndexBusy(IndexProblem):
    """Another run is writing to this index."""

    # What sysexits.h calls a temporary failure: nothing is wrong, and later it will do.
    exit_status = 75


class PhotosMissing(IndexProblem):
    """A photo folder is missing, empty or unreadable, which is not taken for a deletion."""


class NothingToIndex(IndexProblem):
    """No photo could be indexed at all."""
