"""The photos of a generation: an SQLite file that never changes after it is published."""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from indexer.columns import one_column, selected, two_columns
from indexer.conditions import described
from indexer.errors import BrokenGeneration
from indexer.generations.counts import write_folders
from indexer.generations.filters import in_sql
from indexer.generations.months import write_months
from indexer.stores import Ids
from indexer.values import Filter, Photo

PHOTOS_FILE = "photos.sqlite"
# Photos to remember: a drawing finds many of the same with each stroke. About a kilobyte each.
_MOST_ROWS = 1024
# Sets of contents whose ids are held: the favourites and the hidden, before and after a change.
_REMEMBERED = 4
_SCHEMA = """
CREATE TABLE photos (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, relative TEXT NOT NULL, content TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL,
    taken TEXT, camera TEXT COLLATE NOCASE, latitude REAL, longitude REAL,
    colour INTEGER,
    moment TEXT,
    duplicate_of INTEGER
);
"""
# Created after all rows are inserted, which is faster than updating them for each row.
_INDEXES = """
CREATE INDEX by_relative ON photos (relative);
CREATE INDEX by_taken ON photos (taken) WHERE taken IS NOT NULL;
CREATE INDEX by_camera ON photos (camera) WHERE camera IS NOT NULL;
CREATE INDEX by_group ON photos (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX by_content ON photos (substr(content, 1, 8));
ANALYZE;
"""
_COLUMNS = [field.name for field in fields(Photo)][:-1]
# The first columns say the same as long as the catalogue's revision stays; the others may differ from the catalogue.
SETTLED = 10
# What stands for columns that generations of older versions lack.
_ABSENT = {"moment": "taken"}
# Near-duplicates are so many times as frequent among the results of a search as elsewhere.
_TOGETHER, _SPARE = 3, 8
# Ids are random, so rows go everywhere in the file.
_CACHE_KIB = 2**16


class PhotosWriter:
    """Writes the file; the rows of exact copies must follow one another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
        # The file is synced as a whole before publication; an incomplete one is discarded.
        pragmas = f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}"
        self._db.executescript(f"{pragmas}; BEGIN; {_SCHEMA}")

    def add(self, photos: Iterable[Sequence[object]]) -> None:
        """Insert rows, with all columns but the last, which `fold` fills in."""
        columns = ", ".join(_COLUMNS)
        marks = ",".join("?" * len(_COLUMNS))
        self._db.executemany(f"INSERT INTO photos ({columns}) VALUES ({marks})", photos)  # noqa: S608

    def fill(self, write: Callable[[Path], None]) -> None:
        """Let `write` insert rows into the file; they have all columns but the last, too."""
        self._db.execute("COMMIT")
        write(self.path)
        self._db.execute("BEGIN")

    def fold(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Mark each first id as a near-duplicate of the second."""
        self._db.executemany(
            "UPDATE photos SET duplicate_of = ? WHERE id = ?", ((group, one) for one, group in pairs)
        )

    def unchanged_since(self, older: Path) -> Ids:
        """Ids with the same content in an older generation."""
        with self._attached(older):
            return one_column(self._db.execute(_UNCHANGED))

    def groups_in(self, older: Path) -> tuple[Ids, Ids]:
        """The ids of all photos that are folded in an older generation, sorted, and the leader of each there."""
        with self._attached(older):
            return two_columns(self._db.execute(_FOLDED.format("older.")))

    @contextmanager
    def _attached(self, older: Path) -> Iterator[None]:
        self._db.execute("COMMIT")
        self._db.execute("ATTACH ? AS older", (_reading(older),))
        try:
            yield
        finally:
            self._db.execute("DETACH older")
            self._db.execute("BEGIN")

    def finish(self) -> None:
        write_months(self._db)
        write_folders(self._db)
        self._db.execute("COMMIT")
        self._db.executescript(_INDEXES)
        self.close()

    def close(self) -> None:
        self._db.close()


class Photos:
    """Looks up photos. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = sqlite3.connect(_reading(path), uri=True, check_same_thread=False)
        self._lock = threading.Lock()
        self._roots: list[str] | None = None
        self._cameras: list[str] | None = None
        self._rows: OrderedDict[int, Photo] = OrderedDict()
        self._of_contents: OrderedDict[frozenset[str], Ids] = OrderedDict()

    @cached_property
    def _columns(self) -> str:
        """All columns of a Photo, whichever version wrote the file."""
        return selected(self.ask, "photos", [*_COLUMNS, "duplicate_of"], _ABSENT)

    def twin(self) -> "Photos":
        """The same photos by another connection, whose queries do not wait for those of this one."""
        return Photos(self._path)

    def __len__(self) -> int:
        return int(self.ask("SELECT count(*) FROM photos")[0][0])

    def get(self, ids: Sequence[int]) -> dict[int, Photo]:
        """The photos with these ids that exist."""
        with self._lock:
            found = {number: self._rows[number] for number in ids if number in self._rows}
        missing = [int(number) for number in ids if number not in found]
        for start in range(0, len(missing), 500):
            part = missing[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self.ask(f"SELECT {self._columns} FROM photos WHERE id IN ({marks})", part)  # noqa: S608
            found.update((row[0], Photo(*row)) for row in rows)
        with self._lock:
            for number, photo in found.items():
                self._rows[number] = photo
                self._rows.move_to_end(number)
            while len(self._rows) > _MOST_ROWS:
                self._rows.popitem(last=False)
        return found

    def roots(self) -> list[str]:
        """The photo folders, cached because finding them scans all photos."""
        if self._roots is None:
            self._roots = [root for (root,) in self.ask(_ROOTS)]
        return self._roots

    def cameras(self) -> list[str]:
        """The cameras, each in one spelling of those that differ only in the case of ASCII letters; cached, too."""
        if self._cameras is None:
            self._cameras = [camera for (camera,) in self.ask(_CAMERAS)]
        return self._cameras

    def matching(self, wanted: Filter) -> Ids:
        """The ids of all photos that match all of a filter but its contents."""
        where, values = self._passing(wanted)
        return self._column(f"SELECT id FROM photos WHERE {where}", values)  # noqa: S608

    def of_contents(self, contents: frozenset[str]) -> Ids:
        """The ids of all photos with one of these contents, sorted."""
        known = self._of_contents.get(contents)
        if known is None:
            found = self._column(_OF_CONTENTS, [json.dumps(list(contents))])
            known = self._of_contents[contents] = np.sort(found)
            while len(self._of_contents) > _REMEMBERED:
                self._of_contents.popitem(last=False)
        return known

    def _passing(self, wanted: Filter) -> tuple[str, list[str | int]]:
        """All of a filter but its contents, as an SQL condition and its parameters."""
        return in_sql(described(wanted, self.roots(), self.cameras() if wanted.camera else ()))

    def members(self, groups: Sequence[int], where: Filter | None = None) -> dict[int, list[Photo]]:
        """For each of these near-duplicate groups, the photos that match a filter, ordered by path."""
        where = where or Filter()
        condition, values = self._passing(where)
        found: dict[int, list[Photo]] = {group: [] for group in groups}
        for start in range(0, len(groups), 500):
            part = list(groups[start : start + 500])
            query = _MEMBERS.format(columns=self._columns, marks=",".join("?" * len(part)), where=condition)
            rows = self.ask(query, [*part, *part, *values])
            for photo in (Photo(*row) for row in rows):
                if photo.content not in where.without and (where.only is None or photo.content in where.only):
                    found[photo.group].append(photo)
        return found

    def group(self, photo: Photo) -> list[Photo]:
        """A photo and all its near-duplicates, ordered by path."""
        query = f"SELECT {self._columns} FROM photos WHERE id = ?1 OR duplicate_of = ?1 ORDER BY relative"  # noqa: S608
        return [Photo(*row) for row in self.ask(query, [photo.group])]

    def groups_of(self, ids: Ids) -> Ids:
        """The group of each photo, as in `Photo.group`; held in memory, since a search may ask for thousands."""
        folded, leaders = self._pairs
        if not len(folded):
            return ids
        places = np.minimum(np.searchsorted(folded, ids), len(folded) - 1)
        return np.where(folded[places] == ids, leaders[places], ids)

    def with_copies(self, groups: Sequence[int]) -> list[int]:
        """Those of these groups that have more than one member."""
        wanted = np.array(groups, dtype=np.int64)
        found: list[int] = wanted[np.isin(wanted, self._pairs[1])].tolist()
        return found

    def spare(self, k: int) -> int:
        """How many more photos than k to fetch, so that in most searches k are left without near-duplicates."""
        return min(k, int(_TOGETHER * self._folded * k)) + _SPARE

    @cached_property
    def _folded(self) -> float:
        """The share of near-duplicates of another photo."""
        return len(self._pairs[0]) / max(1, len(self))

    @cached_property
    def _pairs(self) -> tuple[Ids, Ids]:
        """All folded photos, sorted, and the group of each."""
        with self._asking():
            return two_columns(self._db.execute(_FOLDED.format("")))

    def count_folded(self) -> int:
        """How many photos are near-duplicates of another."""
        return int(self.ask("SELECT count(*) FROM photos WHERE duplicate_of IS NOT NULL")[0][0])

    def everything(self) -> Iterator[tuple[Any, ...]]:
        """The settled columns. Not thread-safe."""
        return self._db.execute(f"SELECT {', '.join(_COLUMNS[:SETTLED])} FROM photos")  # noqa: S608

    def ids_of(self, contents: Collection[str]) -> dict[str, int]:
        """One photo id for each of these contents that exists."""
        wanted = set(contents)
        with self._asking():
            rows = self._db.execute("SELECT content, id FROM photos")
            return {content: number for content, number in rows if content in wanted}

    def __del__(self) -> None:
        # A replaced generation closes when the last search that uses it ends.
        self._db.close()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._asking():
            return self._db.execute(query, values).fetchall()

    def _column(self, query: str, values: Sequence[Any]) -> Ids:
        with self._asking():
            return one_column(self._db.execute(query, values))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.DatabaseError as error:
            raise BrokenGeneration(f"photos.sqlite: {error}; run sketchseek index again") from None


def _reading(path: Path) -> str:
    """A URI for reading. Immutable: SQLite neither locks the file nor looks for a journal."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


_UNCHANGED = "SELECT id FROM photos JOIN older.photos AS o USING (id) WHERE o.content = photos.content"
_FOLDED = "SELECT id, duplicate_of FROM {}photos WHERE duplicate_of IS NOT NULL ORDER BY id"
_ROOTS = "SELECT DISTINCT root FROM photos"
_CAMERAS = "SELECT DISTINCT camera FROM photos WHERE camera IS NOT NULL"
# The index holds only the first letters, which keeps it small.
_OF_CONTENTS = """
SELECT photos.id FROM json_each(?) AS wanted CROSS JOIN photos
ON substr(content, 1, 8) = substr(wanted.value, 1, 8) AND content = wanted.value
"""
# CROSS JOIN forces SQLite to start with the few members, however good an index for the filter is.
_MEMBERS = """
WITH members AS MATERIALIZED (
    SELECT id FROM photos WHERE id IN ({marks}) UNION SELECT id FROM photos WHERE duplicate_of IN ({marks})
)
SELECT {columns} FROM members CROSS JOIN photos USING (id) WHERE {where} ORDER BY relative, root
"""
