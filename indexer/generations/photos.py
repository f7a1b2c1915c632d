"""The photos of a generation: an SQLite file that never changes after it is published."""

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np

from indexer.columns import selected
from indexer.errors import BrokenGeneration
from indexer.library import Filter, Photo
from indexer.stores import Ids

PHOTOS_FILE = "photos.sqlite"
_SCHEMA = """
CREATE TABLE photos (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, relative TEXT NOT NULL, content TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL,
    taken TEXT, camera TEXT COLLATE NOCASE, latitude REAL, longitude REAL,
    colour INTEGER,
    duplicate_of INTEGER
);
"""
# Created after all rows are inserted, which is faster than updating them for each row.
_INDEXES = """
CREATE INDEX by_relative ON photos (relative);
CREATE INDEX by_taken ON photos (taken) WHERE taken IS NOT NULL;
CREATE INDEX by_camera ON photos (camera) WHERE camera IS NOT NULL;
CREATE INDEX by_group ON photos (duplicate_of) WHERE duplicate_of IS NOT NULL;
ANALYZE;
"""


_COLUMNS = [field.name for field in fields(Photo)][:-1]


class PhotosWriter:
    """Writes the file; the rows of exact copies must follow one another."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
        # The file is synced as a whole before publication; an incomplete one is discarded.
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_SCHEMA}")

    def add(self, photos: Iterable[Sequence[object]]) -> None:
        """Insert rows, with all columns but the last, which `fold` fills in."""
        columns = ", ".join(_COLUMNS)
        marks = ",".join("?" * len(_COLUMNS))
        self._db.executemany(f"INSERT INTO photos ({columns}) VALUES ({marks})", photos)  # noqa: S608

    def fold(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Mark each first id as a near-duplicate of the second."""
        self._db.executemany(
            "UPDATE photos SET duplicate_of = ? WHERE id = ?", ((group, one) for one, group in pairs)
        )

    def unchanged_since(self, older: Path) -> Ids:
        """Ids with the same content in an older generation."""
        self._db.execute("COMMIT")
        self._db.execute("ATTACH ? AS older", (_reading(older),))
        try:
            rows = self._db.execute(
                "SELECT id FROM main.photos JOIN older.photos AS o USING (id) WHERE o.content = main.photos.content"
            )
            return _column(rows)
        finally:
            self._db.execute("DETACH older")
            self._db.execute("BEGIN")

    def finish(self) -> None:
        self._db.execute("COMMIT")
        self._db.executescript(_INDEXES)
        self.close()

    def close(self) -> None:
        self._db.close()


class Photos:
    """Looks up photos. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(_reading(path), uri=True, check_same_thread=False)
        self._db.create_function("fold", 1, _fold, deterministic=True)
        self._lock = threading.Lock()
        self._roots: list[str] | None = None
        self._leaders: tuple[Ids, Ids] | None = None

    def __len__(self) -> int:
        return int(self._ask("SELECT count(*) FROM photos")[0][0])

    def get(self, ids: Sequence[int]) -> dict[int, Photo]:
        """The photos with these ids that exist."""
        found: dict[int, Photo] = {}
        for start in range(0, len(ids), 500):
            part = [int(number) for number in ids[start : start + 500]]
            marks = ",".join("?" * len(part))
            rows = self._ask(f"SELECT {self._all} FROM photos WHERE id IN ({marks})", part)  # noqa: S608
            found.update((row[0], Photo(*row)) for row in rows)
        return found

    def roots(self) -> list[str]:
        """The photo folders, cached because finding them scans all photos."""
        if self._roots is None:
            self._roots = [root for (root,) in self._ask(_ROOTS)]
        return self._roots

    def matching(self, wanted: Filter) -> Ids:
        """The ids of all photos that match."""
        where, values = self._passing(wanted)
        return _column(self._ask(f"SELECT id FROM photos WHERE {where}", values))  # noqa: S608

    def _passing(self, wanted: Filter) -> tuple[str, list[str]]:
        """A filter as an SQL condition and its parameters."""
        conditions: list[str] = []
        values: list[str] = []
        if wanted.folder is not None:
            condition, texts = _below(wanted.folder, self.roots())
            conditions.append(condition)
            values += texts
        for condition, value in (
            ("taken >= ?", wanted.after),
            ("taken < ?", wanted.before),
            (_camera(wanted.camera), wanted.camera),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        return " AND ".join(conditions) or "TRUE", values

    def members(self, groups: Sequence[int], where: Filter | None = None) -> dict[int, list[Photo]]:
        """For each of these near-duplicate groups, the photos that match a filter, ordered by path."""
        condition, values = ("TRUE", []) if where is None else self._passing(where)
        found: dict[int, list[Photo]] = {group: [] for group in groups}
        for start in range(0, len(groups), 500):
            part = list(groups[start : start + 500])
            rows = self._ask(
                _MEMBERS.format(columns=self._all, marks=",".join("?" * len(part)), where=condition),
                [*part, *part, *values],
            )
            for photo in (Photo(*row) for row in rows):
                found[photo.group].append(photo)
        return found

    def group(self, photo: Photo) -> list[Photo]:
        """A photo and all its near-duplicates, ordered by path."""
        query = f"SELECT {self._all} FROM photos WHERE id = ?1 OR duplicate_of = ?1 ORDER BY relative"  # noqa: S608
        return [Photo(*row) for row in self._ask(query, [photo.group])]

    def groups_of(self, ids: Ids) -> Ids:
        """The group of each photo, as in `Photo.group`; held in memory, since a search may ask for thousands."""
        if self._leaders is None:
            pairs = np.array(sorted(self.groups().items()), dtype=np.int64).reshape(-1, 2)
            self._leaders = pairs[:, 0], pairs[:, 1]
        folded, leaders = self._leaders
        if not len(folded):
            return ids
        places = np.minimum(np.searchsorted(folded, ids), len(folded) - 1)
        return np.where(folded[places] == ids, leaders[places], ids)

    def groups(self) -> dict[int, int]:
        """For each folded photo, the leader of its group."""
        return dict(self._ask("SELECT id, duplicate_of FROM photos WHERE duplicate_of IS NOT NULL"))

    def everything(self) -> Iterator[tuple[Any, ...]]:
        """All columns but that of near-duplicates. Not thread-safe."""
        columns = selected(self._ask, "photos", _COLUMNS)
        return self._db.execute(f"SELECT {columns} FROM photos")  # noqa: S608

    def ids_of(self, contents: Collection[str]) -> dict[str, int]:
        """One photo id for each of these contents that exists."""
        wanted = set(contents)
        rows = self._ask("SELECT content, id FROM photos")
        return {content: number for content, number in rows if content in wanted}

    def __del__(self) -> None:
        # A replaced generation closes when the last search that uses it ends.
        self._db.close()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @cached_property
    def _all(self) -> str:
        """The columns of a `Photo`; generations that an older version published lack some."""
        return selected(self._ask, "photos", [*_COLUMNS, "duplicate_of"])

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise BrokenGeneration(f"photos.sqlite: {error}; run sketchseek index again") from None


def _reading(path: Path) -> str:
    """A URI for reading. Immutable: SQLite neither locks the file nor looks for a journal."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


# Most non-ASCII names in a path to try in all combinations of Unicode forms; with more, all use the same form.
_MIXED = 3
_INSIDE = "(relative >= ? AND relative < ?)"
_ROOTS = "SELECT DISTINCT root FROM photos"
# CROSS JOIN forces SQLite to start with the few members, however good an index for the filter is.
_MEMBERS = """
WITH members AS MATERIALIZED (
    SELECT id FROM photos WHERE id IN ({marks}) UNION SELECT id FROM photos WHERE duplicate_of IN ({marks})
)
SELECT {columns} FROM members CROSS JOIN photos USING (id) WHERE {where} ORDER BY relative, root
"""


def _camera(name: str | None) -> str:
    """A condition that uses the camera index. SQLite folds only ASCII; other names are compared with each camera."""
    if name is None or name.isascii():
        return "camera = ?"
    return (
        "camera IN (WITH names (name) AS MATERIALIZED (SELECT DISTINCT camera FROM photos WHERE camera IS NOT NULL) "
        "SELECT name FROM names WHERE fold(name) = fold(?))"
    )


def _fold(name: str) -> str:
    """Normalize a name, so that case and Unicode form do not matter."""
    return normalize("NFC", normalize("NFD", name).casefold())


def _below(folder: str, roots: Sequence[str]) -> tuple[str, list[str]]:
    """A condition that uses an index, for photos at any depth below a folder, in any spelling of it."""
    conditions: list[str] = []
    values: list[str] = []
    for spelling in _spellings(folder):
        if folder.startswith("/"):
            condition, texts = _below_absolute(Path(spelling), roots)
        else:
            condition, texts = _inside(spelling)
        conditions.append(condition)
        values += texts
    return f"({' OR '.join(conditions)})", values


def _spellings(folder: str) -> list[str]:
    """The folder as given, and with / for each backslash; with each name in both Unicode forms.

    macOS writes é as two code points, other systems mostly as one, and a path may mix both.
    """
    found: dict[str, None] = {}
    for text in (folder, folder.replace("\\", "/")):
        forms = [(name, normalize("NFC", name), normalize("NFD", name)) for name in text.split("/")]
        found |= dict.fromkeys(map("/".join, zip(*forms, strict=True)))
        if sum(len(set(names)) > 1 for names in forms) <= _MIXED:
            found |= dict.fromkeys(map("/".join, product(*map(dict.fromkeys, forms))))
    return list(found)


def _inside(folder: str) -> tuple[str, list[str]]:
    clean = "/".join(part for part in folder.split("/") if part not in ("", "."))
    # "0" is the character after "/".
    return (_INSIDE, [f"{clean}/", f"{clean}0"]) if clean else ("TRUE", [])


def _below_absolute(wanted: Path, roots: Sequence[str]) -> tuple[str, list[str]]:
    whole, partly, values = [], [], []
    for root in map(Path, roots):
        if root.is_relative_to(wanted):
            whole.append(str(root))
        elif wanted.is_relative_to(root):
            condition, texts = _inside(wanted.relative_to(root).as_posix())
            partly.append(f"(root = ? AND {condition})")
            values += [str(root), *texts]
    either = [*partly, *["root = ?"] * len(whole)]
    return f"({' OR '.join(either) or 'FALSE'})", [*values, *whole]


def _column(rows: Iterable[tuple[Any, ...]]) -> Ids:
    return np.fromiter((row[0] for row in rows), dtype=np.int64)
