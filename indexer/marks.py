"""Favourites and hidden photos: marks that people set, kept in the index folder in a file of their own.

They belong to contents, not to paths or ids, so they survive new runs, moves, and new names; a near-duplicate is
another content. Several services may share the file. One that cannot be read takes nothing but the marks away.
"""

import logging
import sqlite3
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from indexer.errors import IndexProblem
from indexer.values import Filter

log = logging.getLogger("sketchseek")

MARKS_FILE = "marks.sqlite"
Mark = Literal["favourite", "hidden"]
_WAIT_SECONDS = 5
_TABLE = """
CREATE TABLE IF NOT EXISTS marks (
    content TEXT PRIMARY KEY, favourite INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Marked:
    """The contents with each mark, at one moment. The sets are replaced, never changed."""

    favourite: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def among(self, where: Filter | None, *, favourites: bool = False, hidden: bool = False) -> Filter | None:
        """A filter that leaves hidden photos out or, with `hidden`, shows only those; None if it is not needed."""
        if hidden:
            only = self.hidden & self.favourite if favourites else self.hidden
            return replace(where or Filter(), only=only)
        if favourites:
            return replace(where or Filter(), only=self.favourite - self.hidden)
        return replace(where or Filter(), without=self.hidden) if self.hidden else where


class MarksProblem(IndexProblem):
    """A mark could not be stored."""


class Marks:
    """The marks of an index; thread-safe. The file is created by the first mark."""

    def __init__(self, index: Path) -> None:
        self._path = index / MARKS_FILE
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._version: int | None = None
        self._marked = Marked()
        self._troubled = False

    def now(self) -> Marked:
        """All marks. Cheap, for each search asks: the file is read again only after another process changed it."""
        with self._lock:
            try:
                if self._db is not None or self._path.exists():
                    self._refresh(self._db or self._connect())
                self._troubled = False
            except (sqlite3.Error, OSError) as error:
                self._distrust(error)
            return self._marked

    def put(self, content: str, mark: Mark, value: bool) -> Marked:
        """Set or remove a mark, durably; raises MarksProblem if that fails."""
        with self._lock:
            try:
                db = self._db or self._connect()
                with db:
                    db.execute(
                        f"INSERT INTO marks (content, {mark}) VALUES (?1, ?2) "  # noqa: S608
                        f"ON CONFLICT (content) DO UPDATE SET {mark} = ?2",
                        (content, value),
                    )
                    db.execute("DELETE FROM marks WHERE NOT favourite AND NOT hidden")
                self._version = None
                self._refresh(db)
            except (sqlite3.Error, OSError) as error:
                self._distrust(error)
                raise MarksProblem(
                    f"{self._path}: cannot store the mark ({error}); check the disk and its permissions"
                ) from None
            return self._marked

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            if not self._tables(db):
                db.execute("PRAGMA journal_mode = WAL")
                with db:
                    db.execute(_TABLE)
        except sqlite3.Error:
            db.close()
            raise
        self._db, self._version = db, None
        return db

    @staticmethod
    def _tables(db: sqlite3.Connection) -> int:
        (count,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(count)

    def _refresh(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        rows = db.execute("SELECT content, favourite, hidden FROM marks").fetchall()
        self._marked = Marked(
            frozenset(content for content, favourite, _ in rows if favourite),
            frozenset(content for content, _, hidden in rows if hidden),
        )
        self._version = version

    def _distrust(self, error: Exception) -> None:
        """Log each problem once, go on with the marks that are known, and open the file anew next time."""
        if not self._troubled:
            log.error("cannot use the marks in %s: %s", self._path, error)
        self._troubled = True
        if self._db is not None:
            self._db.close()
        self._db = self._version = None
