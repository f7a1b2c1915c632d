"""Favourites and hidden photos: marks that people set, kept in the index folder in a file of their own.

They belong to contents, not to paths or ids, so they survive new runs, moves, and new names; a near-duplicate is
another content. Several services may share the file. One that cannot be read takes nothing but the marks away; one
that is damaged is set aside, and the marks come back from memory or from a copy.
"""

import contextlib
import errno
import logging
import os
import sqlite3
import stat
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from indexer.errors import IndexProblem
from indexer.values import Filter

log = logging.getLogger("sketchseek")

MARKS_FILE = "marks.sqlite"
Mark = Literal["favourite", "hidden"]
_WAIT_SECONDS = 5
_COPY_SECONDS = 300.0
_DAMAGE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
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

    def with_mark(self, content: str, mark: Mark, value: bool) -> "Marked":
        known: frozenset[str] = getattr(self, mark)
        return replace(self, **{mark: known | {content} if value else known - {content}})

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
        self._copy = index / f"{MARKS_FILE}.copy"
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self._marked = Marked()
        self._copied = -float("inf")
        self._troubled = False
        # What people should know of a file that was damaged.
        self.problem: str | None = None

    def now(self) -> Marked:
        """All marks. Cheap, for each search asks: the file is read again only after another process changed it."""
        if not self._lock.acquire(blocking=False):
            return self._marked  # one is being stored, which may take as long as the disk likes
        try:
            if (db := self._open()) is not None:
                self._refresh(db)
            self._troubled = False
        except (sqlite3.Error, OSError) as error:
            self._distrust(error)
        finally:
            self._lock.release()
        return self._marked

    def put(self, content: str, mark: Mark, value: bool) -> Marked:
        """Set or remove a mark, durably; raises MarksProblem if that fails."""
        with self._lock:
            try:
                db = self._open() or self._create(self._marked)
                self._refresh(db)
                with db:
                    _store(db, content, mark, value)
                self._marked = self._marked.with_mark(content, mark, value)
                self._keep_copy(db)
            except (sqlite3.Error, OSError) as error:
                self._distrust(error)
                raise MarksProblem(
                    f"{self._path}: cannot store the mark ({error}); check the disk and its permissions"
                ) from None
            return self._marked

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _open(self) -> sqlite3.Connection | None:
        """The file as it is now, which may have been replaced; None if there is none."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            self._forget()
            return None
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, "it is a link; move what it leads to here", str(self._path))
        if self._db is not None and self._file == (found.st_dev, found.st_ino):
            return self._db
        self._forget()
        try:
            return self._connect() if found.st_size else self._restore()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGE and "no such table" not in str(error):
                raise
            return self._restore()

    def _connect(self) -> sqlite3.Connection:
        db = _database(self._path)
        try:
            self._take(db)
        except sqlite3.Error:
            db.close()
            raise
        found = self._path.stat()
        self._db, self._file = db, (found.st_dev, found.st_ino)
        return db

    def _create(self, marked: Marked) -> sqlite3.Connection:
        """A new file with these marks."""
        if not self._path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path.parent))
        # Of another file, which SQLite would take for this one's; so no WAL, either.
        self._path.with_name(f"{MARKS_FILE}-journal").unlink(missing_ok=True)
        with contextlib.closing(_database(self._path)) as db, db:
            db.execute(_TABLE)
            for content in marked.favourite | marked.hidden:
                values = (content, content in marked.favourite, content in marked.hidden)
                db.execute("INSERT INTO marks VALUES (?, ?, ?)", values)
        return self._connect()

    def _restore(self) -> sqlite3.Connection:
        """Set a damaged file aside; the marks come from memory or, at the start, from the copy."""
        known, source = self._marked, "what the service remembered"
        if known == Marked():
            known, source = _read(self._copy), "a copy, without the last ones"
        aside = self._path.with_name(f"{MARKS_FILE}.damaged")
        self._path.replace(aside)
        db = self._create(known)
        count = len(known.favourite | known.hidden)
        kept = (
            f"{count} came from {source}" if count else "none could be restored, so hidden photos show again"
        )
        self.problem = f"the favourites and hidden photos were damaged: {kept}"
        log.error("%s: %s; the damaged file is %s", self._path, self.problem, aside.name)
        return db

    def _refresh(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._take(db)

    def _take(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA data_version").fetchone()
        self._marked, self._version = _marks_in(db), version

    def _keep_copy(self, db: sqlite3.Connection) -> None:
        if time.monotonic() - self._copied < _COPY_SECONDS:
            return
        part = self._copy.with_name(f"{MARKS_FILE}.copy.part")
        part.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(part)) as copy:
            db.backup(copy)
        part.replace(self._copy)
        self._copied = time.monotonic()

    def _forget(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = self._file = self._version = None

    def _distrust(self, error: Exception) -> None:
        """Log each problem once, go on with the marks that are known, and open the file anew next time."""
        if not self._troubled:
            log.error("cannot use the marks in %s: %s", self._path, error)
        self._troubled = True
        self._forget()


def _database(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_WAIT_SECONDS, check_same_thread=False)
    db.text_factory = lambda text: text.decode("utf-8", "replace")
    return db


def _store(db: sqlite3.Connection, content: str, mark: Mark, value: bool) -> None:
    db.execute(
        f"INSERT INTO marks (content, {mark}) VALUES (?1, ?2) ON CONFLICT (content) DO UPDATE SET {mark} = ?2",  # noqa: S608
        (content, value),
    )
    db.execute("DELETE FROM marks WHERE content = ? AND NOT favourite AND NOT hidden", (content,))


def _marks_in(db: sqlite3.Connection) -> Marked:
    rows = db.execute("SELECT content, favourite, hidden FROM marks").fetchall()
    return Marked(
        frozenset(content for content, favourite, _ in rows if favourite),
        frozenset(content for content, _, hidden in rows if hidden),
    )


def _read(path: Path) -> Marked:
    """The marks in a copy; none if it cannot be read."""
    with contextlib.suppress(sqlite3.Error, OSError):
        if path.is_file() and not path.is_symlink():
            with contextlib.closing(_database(path)) as db:
                return _marks_in(db)
    return Marked()
