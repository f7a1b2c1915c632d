"""The way to an index that is to be written: a folder of ours, its lock, and errors that say what to do."""

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
    """The folder, made if need be, in full and held for writing."""
    with plainly(index):
        index = index.expanduser().resolve()
        if not is_text(index):
            raise IndexProblem(
                f"{str(index)!r}: the folder's name is not valid UTF-8; choose another --index"
            )
        index.mkdir(parents=True, exist_ok=True)
        if not is_ours(index):
            raise NoIndex(
                f"{index}: holds other files and is no index; choose an empty or new folder for --index"
            )
        with writing(index):
            yield index


@contextmanager
def plainly(index: Path) -> Iterator[None]:
    """What the disk, SQLite or FAISS refuse, as one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            path = index / CATALOGUE
            raise NoIndex(
                f"{path}: damaged ({error}); run sketchseek index, which goes back to its copy"
            ) from None
        raise IndexProblem(f"{index}: {error}; mend that and run the same command again to go on") from None
    except OSError as error:
        where, what = _obstacle(error)
        raise IndexProblem(
            f"{where or index}: {what}; mend that and run the same command again to go on"
        ) from None


def _obstacle(error: OSError) -> tuple[str | None, str | None]:
    """What is in the way, and what is wrong with it."""
    # Of a renaming, the system's first name is what was to be moved there.
    where = error.filename2 if error.errno == errno.EISDIR and error.filename2 else error.filename
    if isinstance(error, FileExistsError) and where and Path(where).is_symlink():
        return where, "a link that leads nowhere"
    return where, error.strerror


def is_text(path: Path) -> bool:
    return str(path).encode(errors="replace") == os.fsencode(path)
