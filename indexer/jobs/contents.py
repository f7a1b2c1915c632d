"""What an index holds and whether its photo folders have changed since, without a model and without a lock.

A run may be writing to the catalogue meanwhile: this reads what it committed last.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.schema import SCHEMA_VERSION
from indexer.errors import IndexProblem
from indexer.folders.scan import scan
from indexer.locking.opening import CATALOGUE


@dataclass(frozen=True)
class Holding:
    """A photo folder of an index, and how many photos of it are recorded."""

    path: Path
    photos: int

    @property
    def missing(self) -> bool:
        return not self.path.is_dir()


@dataclass(frozen=True)
class Sight:
    """How the photo folders look now. `stale`: a run would find something to do; `mark` changes with every file."""

    stale: bool
    mark: bytes


def holdings(index: Path) -> list[Holding]:
    """The photo folders that runs have recorded; none if there is no catalogue that can be read."""
    with suppress(sqlite3.Error, IndexProblem, OSError), _opened(index) as catalogue:
        if catalogue.version == SCHEMA_VERSION:
            return [Holding(root, _photos_in(catalogue, root)) for root in catalogue.roots()]
    return []


def look(index: Path) -> Sight:
    """Compare the photo folders with the catalogue by names, sizes, and times; missing folders do not count."""
    stale, seen = False, blake2b(digest_size=16)
    with suppress(sqlite3.Error, OSError), _opened(index) as catalogue:
        roots = catalogue.roots()
        for root in roots:
            with suppress(IndexProblem):
                stale = _differs(catalogue, root, roots, index, seen) or stale
    return Sight(stale, seen.digest())


def _differs(catalogue: Catalogue, root: Path, roots: Sequence[Path], index: Path, seen: blake2b) -> bool:
    known = catalogue.known(root, "")
    scanned = scan(root, catalogue.root(root).rules, leave_out=index.resolve(), roots=roots)
    stale, there = False, set()
    for found in scanned.found:
        there.add(found.relative)
        before = known.get(found.relative)
        stale = stale or before is None or not before.same_file(found)
        seen.update(f"{found.relative}\0{found.size}\0{found.mtime_ns}\0".encode())
    gone = any(path not in there and not scanned.may_hold(path) for path in known)
    return stale or gone


def _photos_in(catalogue: Catalogue, root: Path) -> int:
    query = "SELECT count(content) FROM photos WHERE root = ?"
    return int(catalogue.connection.execute(query, (str(root),)).fetchone()[0])


def _opened(index: Path) -> Catalogue:
    return Catalogue(index / CATALOGUE, read_only=True)
