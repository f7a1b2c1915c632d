"""Open an index for writing: check the folder, lock it, and turn errors into one line that says what to do."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.errors import IndexProblem, NoIndex
from indexer.locking.lock import writing
from indexer.locking.ownership import is_ours

CATALOGUE = "catalogue.sqlite"


@contextmanager
def locked(index: Path) -> Iterator[Path]:
    """Create the folder if needed, lock it for writing, and yield its full path."""
    with plainly(index):
        index = index.expanduser().resolve()
        if not is_text(index):
            raise IndexProblem(
                f"{str(index)!r}: the folder's name is not valid UTF-8; choose another --index"
            )
        index.mkdir(parents=True, exist_ok=True)
        if not is_ours(index):
            raise NoIndex(
                f"{index}: holds other files and is not an index; choose an empty or new folder for --index"
            )
        with writing(index):
            yield index


@contextmanager
def plainly(index: Path) -> Iterator[None]:
    """Turn errors of the disk, SQLite, and FAISS into one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            path = index / CATALOGUE
            raise NoIndex(
                f"{path}: damaged ({error}); run sketchseek index to restore it from its copy"
            ) from None
        raise IndexProblem(f"{index}: {error}; fix this and run the same command again") from None
    except OSError as error:
        where, what = _cause(error)
        raise IndexProblem(f"{where or index}: {what}; fix this and run the same command again") from None


def _cause(error: OSError) -> tuple[str | None, str | None]:
    """The path that caused the error, and what is wrong with it."""
    # For a rename, the first name is the source; the problem is the target.
    where = error.filename2 if error.errno == errno.EISDIR and error.filename2 else error.filename
    if isinstance(error, FileExistsError) and where and Path(where).is_symlink():
        return where, "a broken symbolic link"
    return where, error.strerror


def is_text(path: Path) -> bool:
    return str(path).encode(errors="replace") == os.fsencode(path)
