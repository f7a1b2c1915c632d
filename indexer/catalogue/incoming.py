"""Compare the catalogues of all parts with that of the whole: what differs, and which vectors are missing."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from indexer.catalogue.records import Place
from indexer.catalogue.schema import SCHEMA_VERSION
from indexer.errors import IndexProblem

_TABLES = """
CREATE TEMP TABLE incoming (
    id INTEGER, root TEXT, relative TEXT, size INTEGER, mtime_ns INTEGER, content TEXT, error TEXT,
    PRIMARY KEY (root, relative)
) WITHOUT ROWID;
CREATE TEMP TABLE described AS SELECT * FROM main.contents WHERE FALSE;
CREATE TEMP TABLE seen AS SELECT * FROM main.looks WHERE FALSE;
CREATE TEMP TABLE wanted (
    content TEXT, fingerprint TEXT, part INTEGER, shard INTEGER, row INTEGER, checksum INTEGER,
    PRIMARY KEY (content, fingerprint)
) WITHOUT ROWID;
"""
_PHOTOS = "INSERT INTO incoming SELECT id, root, relative, size, mtime_ns, content, error FROM other.photos"
_CONTENTS = """
INSERT INTO described SELECT * FROM other.contents WHERE content IN (SELECT content FROM other.photos)
EXCEPT SELECT * FROM main.contents
"""
_LOOKS = """
INSERT INTO seen SELECT * FROM other.looks WHERE content IN (SELECT content FROM other.photos)
AND content NOT IN (SELECT content FROM main.looks)
"""
# If several parts hold the same content, one vector is enough. Rows of local parts count as vectors here.
_VECTORS = """
INSERT OR IGNORE INTO wanted SELECT content, fingerprint, :part, shard, row, checksum FROM other.vectors
WHERE fingerprint = :fingerprint AND content IN (SELECT content FROM other.photos)
AND content NOT IN (SELECT content FROM main.vectors WHERE fingerprint = :fingerprint)
"""
_CHANGES = """
CREATE TEMP TABLE changes AS
SELECT a.*, p.id IS NULL AS new, p.content IS NOT a.content AS other FROM incoming a
LEFT JOIN main.photos p ON p.root = a.root AND p.relative = a.relative
WHERE p.id IS NULL OR (p.size, p.mtime_ns, p.content, p.error) IS NOT (a.size, a.mtime_ns, a.content, a.error)
"""
_GONE = """
SELECT id, error IS NULL FROM main.photos p
WHERE NOT EXISTS (SELECT 1 FROM incoming a WHERE a.root = p.root AND a.relative = p.relative)
"""
_DESCRIBE = """
INSERT INTO main.contents SELECT * FROM described WHERE TRUE ON CONFLICT (content) DO UPDATE SET
    width = excluded.width, height = excluded.height, taken = excluded.taken, camera = excluded.camera,
    latitude = excluded.latitude, longitude = excluded.longitude, described = excluded.described,
    colour = coalesce(excluded.colour, contents.colour)
WHERE excluded.described >= contents.described
"""


class Change(NamedTuple):
    """A photo that differs between a part and the whole. `new`: a new path; `other`: different content."""

    id: int
    root: str
    relative: str
    size: int
    mtime_ns: int
    content: str | None
    error: str | None
    new: bool
    other: bool


class Row(NamedTuple):
    """Where the vector of a content is stored: which part, of which model, and where in it."""

    part: int
    fingerprint: str
    place: Place


class Incoming:
    """Temporary tables in the connection to the catalogue of the whole."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_TABLES)

    def gather(self, catalogue: Path, part: int, fingerprints: Iterable[str]) -> None:
        """Read the catalogue of one part, which must not be written to meanwhile."""
        db = self._db
        db.execute("ATTACH ? AS other", (f"{catalogue.as_uri()}?mode=ro&immutable=1",))
        try:
            (version,) = db.execute("PRAGMA other.user_version").fetchone()
            if version != SCHEMA_VERSION:
                raise IndexProblem(
                    f"{catalogue}: written by another version of sketchseek; index that part again with this version"
                )
            db.execute(_PHOTOS)
            db.execute(_CONTENTS)
            db.execute(_LOOKS)
            for fingerprint in fingerprints:
                db.execute(_VECTORS, {"part": part, "fingerprint": fingerprint})
        finally:
            db.execute("DETACH other")

    def compare(self) -> None:
        """Find the differences, after all parts are gathered and before anything is applied."""
        self._db.execute(_CHANGES)

    def gone(self) -> dict[int, bool]:
        """Return ids whose path no part holds, and whether each was a usable photo."""
        return {number: bool(usable) for number, usable in self._db.execute(_GONE)}

    def describe(self) -> None:
        """Copy sizes, dates, cameras, locations, and perceptual hashes."""
        self._db.execute(_DESCRIBE)
        self._db.execute("INSERT OR IGNORE INTO main.looks SELECT * FROM seen")

    def changes(self) -> Iterator[Change]:
        return map(Change._make, self._db.execute("SELECT * FROM changes ORDER BY root, relative"))

    def vectors(self) -> Iterator[Row]:
        """Yield missing vectors in their order on disk."""
        query = """SELECT part, fingerprint, content, shard, row, checksum FROM wanted
                   ORDER BY part, fingerprint, shard, row"""
        return (Row(part, of, Place._make(place)) for part, of, *place in self._db.execute(query))

    def count_vectors(self) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM wanted").fetchone()
        return int(count)
