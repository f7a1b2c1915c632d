"""The catalogue: every photo that the indexer has seen, what became of it, and where its vector is stored.

Vectors belong to contents, not to paths, so a photo that was moved or copied is never embedded twice.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path, PurePosixPath
from typing import Any, Self

from indexer.catalogue.entries import Entries
from indexer.catalogue.ids import new_id
from indexer.catalogue.records import Known, Place, Root
from indexer.catalogue.schema import prepare
from indexer.catalogue.vector_rows import Places
from indexer.decoding.metadata import METADATA_VERSION, Metadata
from indexer.errors import NoIndex
from indexer.folders.partition import Partition
from indexer.folders.scan import Found, ScanRules, Skipped
from model import DECODER_VERSION


class Catalogue(Entries, Places):
    """For one writer at a time (the index lock ensures that); any thread may call `has_vector` and `is_described`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._lock = threading.Lock()
        address = path.absolute().as_uri()
        if read_only:
            # Without a log, SQLite can read without writing anything first.
            log = Path(f"{path}-wal")
            address += "?mode=ro" if log.exists() and log.stat().st_size else "?mode=ro&immutable=1"
        self._db = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        self._gone: dict[str, dict[int, str]] = {}
        self.moved: set[int] = set()
        try:
            if not read_only:
                prepare(self._db, path)
        except (sqlite3.Error, NoIndex):
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for the queries of a merge in its own thread."""
        return self._db

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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done in here, or nothing."""
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    @property
    def version(self) -> int:
        """The schema version; always the current one if opened for writing."""
        (number,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(number)

    @property
    def revision(self) -> int:
        (number,) = self._db.execute("SELECT revision FROM state").fetchone()
        return int(number)

    def forget_revision(self) -> None:
        """Change the revision, so that no published generation matches and the next run publishes."""
        self._db.execute("UPDATE state SET revision = random() & 0x3fffffffffffffff")

    @property
    def partition(self) -> Partition | None:
        """The part of a library that this catalogue describes; None for a whole one."""
        (text,) = self._db.execute("SELECT partition FROM state").fetchone()
        return text and Partition.parse(text)

    @partition.setter
    def partition(self, part: Partition) -> None:
        self._db.execute("UPDATE state SET partition = ?", (str(part),))

    def roots(self) -> list[Path]:
        return [Path(root) for (root,) in self._db.execute("SELECT root FROM roots ORDER BY root")]

    def root(self, root: Path) -> Root:
        query = "SELECT rules, device, mounts FROM roots WHERE root = ?"
        row = self._db.execute(query, (str(root),)).fetchone()
        if row is None:
            return Root()
        rules, device, mounts = row
        return Root(rules_from(json.loads(rules)), device and int(device), tuple(json.loads(mounts)))

    def remember_root(self, root: Path, memory: Root) -> None:
        rules, mounts = json.dumps(asdict(memory.rules)), json.dumps(memory.mounts)
        device = None if memory.device is None else str(memory.device)
        self._db.execute(
            """INSERT INTO roots VALUES (?, ?, ?, ?) ON CONFLICT (root) DO UPDATE SET
               rules = excluded.rules, device = excluded.device, mounts = excluded.mounts
               WHERE (rules, device, mounts) IS NOT (excluded.rules, excluded.device, excluded.mounts)""",
            (str(root), rules, device, mounts),
        )

    def known(self, root: Path, fingerprint: str) -> dict[str, Known]:
        """Return all files of a root, by relative path."""
        # Two sets, and the table in its own order: a join would look up each photo in three places.
        embedded = self._contents("SELECT content FROM vectors WHERE fingerprint = ?", fingerprint)
        described = self._contents("SELECT content FROM contents WHERE described >= ?", METADATA_VERSION)
        rows = self._db.execute(
            """SELECT relative, id, size, mtime_ns, ctime_ns, error, content, decoder >= ? FROM photos
               WHERE +root = ? -- without its index""",
            (DECODER_VERSION, str(root)),
        )
        return {
            relative: Known(
                number,
                size,
                mtime_ns,
                ctime_ns,
                error,
                content in embedded,
                content in described if error is None else bool(judged),
            )
            for relative, number, size, mtime_ns, ctime_ns, error, content, judged in rows
        }

    def _contents(self, query: str, value: str | int) -> set[str]:
        return {content for (content,) in self._db.execute(query, (value,))}

    def learn_changes(self, times: Iterable[tuple[int, int]]) -> None:
        """Store ctimes that were unknown: pairs of time and id."""
        self._db.executemany("UPDATE photos SET ctime_ns = ? WHERE id = ?", times)

    def expect_moves(self, gone: Iterable[int]) -> None:
        """Let a new path with the content of one of these photos take over its row and id."""
        for number in gone:
            row = self._db.execute("SELECT content, relative FROM photos WHERE id = ?", (number,)).fetchone()
            if row and row[0]:
                self._gone.setdefault(row[0], {})[number] = row[1]

    def has_vector(self, content: str, fingerprint: str) -> bool:
        with self._lock:
            query = "SELECT 1 FROM vectors WHERE content = ? AND fingerprint = ?"
            return self._db.execute(query, (content, fingerprint)).fetchone() is not None

    def is_described(self, content: str) -> bool:
        with self._lock:
            query = "SELECT 1 FROM contents WHERE content = ? AND described >= ?"
            return self._db.execute(query, (content, METADATA_VERSION)).fetchone() is not None

    def add_vector(
        self, fingerprint: str, place: Place, size: tuple[int, int], look: bytes | None = None
    ) -> None:
        with self._lock:
            self._db.execute(
                """INSERT INTO contents (content, width, height) VALUES (?, ?, ?)
                   ON CONFLICT (content) DO UPDATE SET width = excluded.width, height = excluded.height""",
                (place.content, *size),
            )
            self.place_vectors(fingerprint, [place])
            if look is not None:
                self._db.execute("INSERT OR REPLACE INTO looks VALUES (?, ?)", (place.content, look))

    def record(
        self,
        found: Found,
        *,
        content: str | None = None,
        error: str | None = None,
        metadata: Metadata | None = None,
        number: int | None = None,
        thumbnail: int | None = None,
    ) -> None:
        """Record what became of a file. A path keeps its first id, and so does a photo that moves or returns.

        A new photo gets the id `number`, unless that is taken.
        """
        place = (str(found.root), found.relative)
        with self._lock:
            old = self._moved_from(place, content) if content in self._gone else None
            if old is not None:
                self._db.execute("UPDATE photos SET root = ?, relative = ? WHERE id = ?", (*place, old))
            number = self._id(place, content, number)
            self._db.execute(
                """INSERT INTO photos (id, root, relative, size, mtime_ns, ctime_ns, content, error, decoder)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, relative) DO UPDATE SET
                   size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns,
                   content = excluded.content, error = excluded.error, decoder = excluded.decoder""",
                (number, *place, found.size, found.mtime_ns, found.ctime_ns, content, error, DECODER_VERSION),
            )
            if thumbnail is not None:
                statement = "UPDATE contents SET thumbnail = ? WHERE content = ?"
                self._db.execute(statement, (thumbnail, content))
            if metadata is not None:
                self._db.execute(
                    """UPDATE contents SET taken = ?, camera = ?, latitude = ?, longitude = ?, described = ?
                       WHERE content = ? AND described < ?""",
                    (*astuple(metadata), METADATA_VERSION, content, METADATA_VERSION),
                )

    def _id(self, place: tuple[str, str], content: str | None, wanted: int | None) -> int:
        """Return the id for a new path: the one that it or its content had before removal, or else a new one."""
        before = self._db.execute(_RETURNED, {"root": place[0], "relative": place[1], "content": content})
        if (row := before.fetchone()) is not None:
            self._db.execute("DELETE FROM removed WHERE id = ?", row)
            return int(row[0])
        if wanted is None or self._db.execute("SELECT 1 FROM photos WHERE id = ?", (wanted,)).fetchone():
            return new_id(self._db, self.partition)
        return wanted

    def _moved_from(self, place: tuple[str, str], content: str | None) -> int | None:
        if self._db.execute("SELECT 1 FROM photos WHERE root = ? AND relative = ?", place).fetchone():
            return None
        gone = self._gone[content or ""]
        # Among several copies, prefer the one with the same name.
        name = PurePosixPath(place[1]).name
        old = min(
            gone, key=lambda number: (PurePosixPath(gone[number]).name != name, gone[number]), default=None
        )
        if old is not None:
            del gone[old]
            self.moved.add(old)
        return old

    def thumbnails(self, prefix: str) -> dict[str, int | None]:
        """Return contents of photos with this prefix, and the size of each thumbnail, None if unknown."""
        rows = self._db.execute(
            """SELECT content, thumbnail FROM contents WHERE content >= ? AND content < ? || 'g'
               AND EXISTS (SELECT 1 FROM photos WHERE photos.content = contents.content)""",
            (prefix, prefix),
        )
        return dict(rows)

    def photos_of(self, contents: Iterable[str]) -> set[int]:
        """Return the ids of all photos with one of these contents."""
        query = "SELECT id FROM photos WHERE content = ?"
        return {number for content in contents for (number,) in self._db.execute(query, (content,))}

    def remove_root(self, root: Path) -> int:
        """Remove a folder and its photos; returns how many photos it had."""
        query = "SELECT count(content) FROM photos WHERE root = ?"
        (count,) = self._db.execute(query, (str(root),)).fetchone()
        self._db.execute("DELETE FROM photos WHERE root = ?", (str(root),))
        self._db.execute("DELETE FROM roots WHERE root = ?", (str(root),))
        return int(count)

    def remove(self, ids: Iterable[int]) -> None:
        self._db.executemany("DELETE FROM photos WHERE id = ?", ((number,) for number in ids))

    def unusable(self, root: Path) -> list[Skipped]:
        """Return files that are not photos, with the reason from when they were last read."""
        query = "SELECT relative, error FROM photos WHERE +root = ? AND error IS NOT NULL ORDER BY relative"
        return [Skipped(root / relative, error) for relative, error in self._db.execute(query, (str(root),))]


# A photo at a known path is not one that returns.
_RETURNED = """
SELECT id FROM removed
WHERE ((root = :root AND relative = :relative) OR content = :content)
AND NOT EXISTS (SELECT 1 FROM photos WHERE (root, relative) = (:root, :relative))
ORDER BY (root = :root AND relative = :relative) + (content IS :content) DESC, since DESC LIMIT 1
"""


def rules_from(raw: dict[str, Any]) -> ScanRules:
    """Parse scan rules from JSON."""
    lists = {key: tuple(value) for key, value in raw.items() if isinstance(value, list)}
    return ScanRules(**{**raw, **lists})
