"""Errors about an index. All are SketchseekErrors: one clear line for the user.

IndexProblem
├── NoIndex            the folder is not an index, or nothing has been published in it yet
├── BrokenGeneration   a published file is missing or does not match its manifest
├── WrongModel         the index was made by another model
├── IndexBusy          another run is writing to this index
├── PhotosMissing      a photo folder is missing, empty, or unreadable; this does not count as a deletion
├── NothingToIndex     no photo could be indexed
├── StoreUnavailable   the server that holds the library does not answer, or is not ready
├── TooFar             more results than the server gives at once
└── ClusterProblem     a cluster cannot be used, or did not finish its work
"""

from typing import Self

from model import SketchseekError


class IndexProblem(SketchseekError):
    """Something is wrong with an index or its photo folders."""


class NoIndex(IndexProblem):
    """The folder is not an index, or nothing has been published in it yet."""


class BrokenGeneration(IndexProblem):
    """A published file is missing or does not match its manifest."""


class WrongModel(IndexProblem):
    """The index was made by another model."""

    @classmethod
    def of(cls, where: str, made_by: str, fingerprint: str, loaded: str, options: str) -> Self:
        """`loaded`: the fingerprint of the model that was to open it; `options`: those that name the index."""
        return cls(
            f"{where}: made by another model ({made_by}, {fingerprint}) than the one loaded ({loaded}); "
            "use that one, or embed the photos again with yours: "
            f"sketchseek index --model MODEL {options}"
        )


class IndexBusy(IndexProblem):
    """Another run is writing to this index."""

    # EX_TEMPFAIL of sysexits.h: a temporary failure; try again later.
    exit_status = 75


class PhotosMissing(IndexProblem):
    """A photo folder is missing, empty, or unreadable; this does not count as a deletion."""


class NothingToIndex(IndexProblem):
    """No photo could be indexed."""


class StoreUnavailable(IndexProblem):
    """The server that holds the library does not answer, or is not ready for searches.

    `at_once`: it said so without delay, so that another try costs nothing.
    """

    def __init__(self, what: str, *, at_once: bool = False) -> None:
        super().__init__(what)
        self.at_once = at_once


class TooFar(IndexProblem):
    """More results than the server gives at once."""


class ClusterProblem(IndexProblem):
    """A cluster cannot be used, or did not finish its work."""
