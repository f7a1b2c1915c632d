"""The indexer's memory: every photo that it has seen, what became of it, and where its vector lies.

Vectors belong to contents, not to paths, so a photo that moved or was copied is never embedded twice.
"""

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.errors import NoIndex
from indexer.scan import Found, Skipped

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE roots (root TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,          -- random, so that it can be shown to strangers
    root TEXT NOT NULL REFERENCES roots,
    relative TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content TEXT,                    -- hash of the bytes; NULL for a file that could not be used
    error TEXT,
    UNIQUE (root, relative)
);
CREATE TABLE contents (content TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE vectors (
    content TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    shard INTEGER NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (content, fingerprint)
) WITHOUT ROWID;
-- Counts what a published generation would show differently. A run that dies between its last commit and its
-- publication leaves a revision that no manifest names, so the next run knows that it has to publish.
CREATE TABLE state (revision INTEGER NOT NULL);
-- It starts anywhere, so that a catalogue made anew is not taken for the one that was published from.
INSERT INTO state VALUES (random() & 0x3fffffffffffffff);
CREATE TRIGGER photo_added AFTER INSERT ON photos WHEN NEW.content IS NOT NULL
BEGIN UPDATE state SET revision = revision + 1; END;
CREATE TRIGGER photo_changed AFTER UPDATE ON photos WHEN NEW.content IS NOT OLD.content
BEGIN UPDATE state SET revision = revision + 1; END;
CREATE TRIGGER photo_removed AFTER DELETE ON photos WHEN OLD.content IS NOT NULL
BEGIN UPDATE state SET revision = revision + 1; END;
"""


@dataclass(frozen=True)
class Known:
    """What the catalogue remembers of a file."""

    id: int
    size: int
    mtime_ns: int
    error: str | None
    embedded: bool

    def unchanged(self, found: Found) -> bool:
        """Nothing to do: same file as before, and either embedded already or known to be unusable."""
        same = (self.size, self.mtime_ns) == (found.size, found.mtime_ns)
        return same and (self.embedded or self.error is not None)


@dataclass(frozen=True)
class Entry:
    """A photo that belongs into the index, and where its vector lies."""

    id: int
    root: str
    relative: str
    content: str
    width: int
    height: int
    shard: int
    row: int


class Catalogue:
    """One writer at a time (the index lock sees to that); `has_vector` may be asked from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._prepare(path)
        except (sqlite3.Error, NoIndex):
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise NoIndex(f"{path}: written by a newer sketchseek (schema {version}); upgrade sketchseek")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def begin(self) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        with self._lock:
            if self._db.in_transaction:
                self._db.execute("COMMIT")

    def rollback(self) -> None:
        with self._lock:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @property
    def revision(self) -> int:
        (number,) = self._db.execute("SELECT revision FROM state").fetchone()
        return int(number)

    def roots(self) -> list[Path]:
        return [Path(root) for (root,) in self._db.execute("SELECT root FROM roots ORDER BY root")]

    def add_root(self, root: Path) -> None:
        self._db.execute("INSERT OR IGNORE INTO roots VALUES (?)", (str(root),))

    def known(self, root: Path, fingerprint: str) -> dict[str, Known]:
        """All photos of a root, by their relative path."""
        rows = self._db.execute(
            """SELECT relative, id, size, mtime_ns, error, vectors.row IS NOT NULL FROM photos
               LEFT JOIN vectors ON vectors.content = photos.content AND fingerprint = ? WHERE root = ?""",
            (fingerprint, str(root)),
        )
        return {
            relative: Known(number, size, mtime_ns, error, bool(embedded))
            for relative, number, size, mtime_ns, error, embedded in rows
        }

    def has_vector(self, content: str, fingerprint: str) -> bool:
        with self._lock:
            query = "SELECT 1 FROM vectors WHERE content = ? AND fingerprint = ?"
            return self._db.execute(query, (content, fingerprint)).fetchone() is not None

    def add_vector(self, content: str, fingerprint: str, shard: int, row: int, size: tuple[int, int]) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", (content, *size))
            self._db.execute(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", (content, fingerprint, shard, row)
            )

    def record(self, found: Found, *, content: str | None = None, error: str | None = None) -> None:
        """What became of a file; a path keeps the id that it got first."""
        with self._lock:
            self._db.execute(
                """INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, relative) DO UPDATE SET
                   size = excluded.size, mtime_ns = excluded.mtime_ns,
                   content = excluded.content, error = excluded.error""",
                (
                    secrets.randbits(63),
                    str(found.root),
                    found.relative,
                    found.size,
                    found.mtime_ns,
                    content,
                    error,
                ),
            )

    def remove_root(self, root: Path) -> int:
        """Forgets a folder and its photos; returns how many those were."""
        query = "SELECT count(content) FROM photos WHERE root = ?"
        (count,) = self._db.execute(query, (str(root),)).fetchone()
        self._db.execute("DELETE FROM photos WHERE root = ?", (str(root),))
        self._db.execute("DELETE FROM roots WHERE root = ?", (str(root),))
        return int(count)

    def keep_vectors(self, fingerprint: str, rows_of: Mapping[int, int]) -> None:
        """Forgets vectors whose shard is gone or too short, so that their photos are embedded again."""
        query = "SELECT shard, max(row) FROM vectors WHERE fingerprint = ? GROUP BY shard"
        for shard, last in self._db.execute(query, (fingerprint,)).fetchall():
            if last >= rows_of.get(shard, 0):
                self._db.execute(
                    "DELETE FROM vectors WHERE fingerprint = ? AND shard = ? AND row >= ?",
                    (fingerprint, shard, rows_of.get(shard, 0)),
                )

    def shards(self, fingerprint: str) -> set[int]:
        """The shards in which vectors of photos lie."""
        query = "SELECT DISTINCT shard FROM vectors WHERE fingerprint = ?"
        return {shard for (shard,) in self._db.execute(query, (fingerprint,))}

    def rows_in_use(self, fingerprint: str) -> dict[int, int]:
        """How many rows of each shard belong to a photo."""
        query = "SELECT shard, count(*) FROM vectors WHERE fingerprint = ? GROUP BY shard"
        return dict(self._db.execute(query, (fingerprint,)))

    def rows_of(self, fingerprint: str, shard: int) -> list[tuple[str, int]]:
        """Contents and rows in a shard, in the order of the rows."""
        query = "SELECT content, row FROM vectors WHERE fingerprint = ? AND shard = ? ORDER BY row"
        return self._db.execute(query, (fingerprint, shard)).fetchall()

    def move_vectors(self, fingerprint: str, shard: int, first: int, contents: Sequence[str]) -> None:
        """These contents' vectors lie in another shard now, one behind the other."""
        statement = "UPDATE vectors SET shard = ?, row = ? WHERE fingerprint = ? AND content = ?"
        places = ((shard, row, fingerprint, content) for row, content in enumerate(contents, start=first))
        self._db.executemany(statement, places)

    def keep_models(self, fingerprints: Collection[str]) -> None:
        """Forgets where vectors of all other models lie."""
        marks = ",".join("?" * len(fingerprints))
        statement = f"DELETE FROM vectors WHERE fingerprint NOT IN ({marks})"  # noqa: S608
        self._db.execute(statement, (*fingerprints,))

    def forget_orphans(self) -> list[str]:
        """Contents that no photo has any more, forgotten with their vectors."""
        query = "SELECT content FROM contents EXCEPT SELECT content FROM photos"
        orphans = [content for (content,) in self._db.execute(query)]
        for table in ("contents", "vectors"):
            statement = f"DELETE FROM {table} WHERE content = ?"  # noqa: S608
            self._db.executemany(statement, ((content,) for content in orphans))
        return orphans

    def remove(self, ids: Iterable[int]) -> None:
        self._db.executemany("DELETE FROM photos WHERE id = ?", ((number,) for number in ids))

    def unusable(self, root: Path) -> list[Skipped]:
        """Files that are no photos, with the reason found when they were last tried."""
        query = "SELECT relative, error FROM photos WHERE root = ? AND error IS NOT NULL ORDER BY relative"
        return [Skipped(root / relative, error) for relative, error in self._db.execute(query, (str(root),))]

    def entries(self, fingerprint: str) -> Iterator[Entry]:
        """Every photo that has a vector of this model, in the order in which the vectors lie on disk."""
        rows = self._db.execute(
            """SELECT id, root, relative, content, width, height, shard, row FROM photos
               JOIN contents USING (content) JOIN vectors USING (content)
               WHERE fingerprint = ? ORDER BY shard, row, id""",
            (fingerprint,),
        )
        return (Entry(*row) for row in rows)
