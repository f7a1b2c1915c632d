"""One writer at a time. The kernel holds the locks, so a killed run never leaves one behind.

A writer holds three locks: a flock on `LOCK`, which all versions respect; one on the folder itself, where the file
system allows it, which survives if somebody deletes or replaces `LOCK`; and a record lock on `LOCK`, which others can
query without taking it, so that checking whether a run is active never gets in its way.
"""

import errno
import fcntl
import itertools
import logging
import os
import stat
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.errors import IndexBusy, IndexProblem, NoIndex
from indexer.locking.ownership import MARK

log = logging.getLogger("sketchseek")

_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
# Older versions check by taking the lock for a moment, so try several times.
_TRIES, _PAUSE = 20, 0.025
_LONGEST = 200
# struct flock; Linux requires l_pid to be 0.
_RECORD = "hhqqi4x"


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Lock the index for writing; raises IndexBusy, which names the holder. Repairs a damaged or missing LOCK."""
    with _folder(index, fcntl.LOCK_EX) as alone:
        number = _locked(index, lambda: _open_or_repair(index, alone=alone), fcntl.LOCK_EX)
        try:
            _hold_record(number)
            _warn_if_repaired(index, number)
            _write(number, f"{MARK}: process {os.getpid()} (since {time.strftime('%H:%M:%S')})")
            try:
                yield
            finally:
                with suppress(OSError):
                    _write(number, MARK)
        finally:
            os.close(number)


@contextmanager
def reading(index: Path) -> Iterator[None]:
    """Lock the index for reading, so that no run changes it meanwhile. Writes nothing, not even to LOCK."""
    with _folder(index, fcntl.LOCK_SH):
        try:
            number = _locked(index, lambda: os.open(index / "LOCK", os.O_RDONLY | _OPEN), fcntl.LOCK_SH)
        except OSError as error:
            raise NoIndex(
                f"{index}: not an index (LOCK: {error.strerror}); give the folder of an index, or if this is one, "
                "run sketchseek index on it again"
            ) from None
        try:
            yield
        finally:
            os.close(number)


def is_held(index: Path) -> bool:
    """Whether a run is writing now. Takes no lock unless the writer is an older version."""
    try:
        number = os.open(index / "LOCK", os.O_RDONLY | _OPEN)
    except OSError:
        return False
    try:
        if (held := _record_held(number)) or os.pread(number, _LONGEST, 0) == MARK.encode():
            return held
        # LOCK names a writer: an older version, or a run that died.
        return not _flock(number, fcntl.LOCK_SH)
    except OSError:
        return False
    finally:
        os.close(number)


def was_abandoned(index: Path) -> bool:
    """Whether the last writer died. Each one names itself in LOCK, and takes its name out however it ends."""
    before = _writer(index)
    # If it ended, or another began, in between, LOCK says something else now.
    return before is not None and not is_held(index) and _writer(index) == before


def _writer(index: Path) -> bytes | None:
    """The writer that LOCK names."""
    try:
        number = os.open(index / "LOCK", os.O_RDONLY | _OPEN)
    except OSError:
        return None
    try:
        text = os.pread(number, _LONGEST, 0)
    except OSError:
        return None
    finally:
        os.close(number)
    return text if text.startswith(f"{MARK}: ".encode()) else None


@contextmanager
def _folder(index: Path, how: int) -> Iterator[bool]:
    """Lock the folder itself; yields False if the file system cannot lock folders, as on network drives."""
    number = os.open(index, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            free, known = _flock(number, how), True
        except OSError:
            free, known = True, False
        if not free:
            raise _busy(index)
        yield known
    finally:
        os.close(number)


def _locked(index: Path, opened: Callable[[], int], how: int) -> int:
    """Return a descriptor that holds the lock and is still the file named LOCK."""
    for _ in range(_TRIES):
        number = opened()
        try:
            if _flock(number, how):
                if _is_current(index / "LOCK", number):
                    return number
            elif _record_held(number):
                raise _busy(index)
        except BaseException:
            os.close(number)
            raise
        os.close(number)
        time.sleep(_PAUSE)
    raise _busy(index)


def _open_or_repair(index: Path, *, alone: bool) -> int:
    """Open LOCK for writing. Anything else of that name is moved aside, not deleted, if no other run can be active."""
    path = index / "LOCK"
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN, 0o666)
    except OSError as error:
        wrong = error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EACCES)
        if not (wrong and os.path.lexists(path)):
            raise
    else:
        if stat.S_ISREG(os.fstat(number).st_mode):
            return number
        os.close(number)
    if not alone:
        raise IndexProblem(f"{path}: not a usable lock file; move it away and run the same command again")
    aside = next(name for name in _spare_names(path) if not os.path.lexists(name))
    path.rename(aside)
    log.warning("%s was not a usable lock file: kept it as %s and created a new one", path, aside.name)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, 0o666)


def _spare_names(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.name}.aside{number or ''}") for number in itertools.count())


def _warn_if_repaired(index: Path, number: int) -> None:
    """Warn if LOCK was damaged, or is new in an old index. Zeros or part of the mark mean a run died writing it."""
    found = os.pread(number, len(MARK), 0)
    if not found and (index / "catalogue.sqlite").exists():
        log.warning("%s: LOCK was missing or empty: created it again", index)
    elif not MARK.encode().startswith(found.strip(b"\0")):
        log.warning("%s: LOCK was damaged: wrote it again", index)


def _busy(index: Path) -> IndexBusy:
    holder = ""
    with suppress(OSError):
        number = os.open(index / "LOCK", os.O_RDONLY | _OPEN)
        with open(number, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor, not a path
            text = file.read(_LONGEST)
        holder = text.removeprefix(MARK).strip(" :") if text.startswith(MARK) and text.isprintable() else ""
    return IndexBusy(f"{index}: {holder or 'another process'} is indexing here; wait until it finishes")


def _flock(number: int, how: int) -> bool:
    try:
        fcntl.flock(number, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold_record(number: int) -> None:
    """Let others query this lock; where record locks do not exist, `is_held` tries the flock."""
    if hasattr(fcntl, "F_OFD_SETLK"):
        with suppress(OSError):
            fcntl.fcntl(number, fcntl.F_OFD_SETLK, struct.pack(_RECORD, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def _record_held(number: int) -> bool:
    """Whether somebody else holds the record lock."""
    if not hasattr(fcntl, "F_OFD_GETLK"):
        return False
    try:
        query = struct.pack(_RECORD, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        found = fcntl.fcntl(number, fcntl.F_OFD_GETLK, query)
    except OSError:
        return False
    return bool(struct.unpack(_RECORD, found)[0] != fcntl.F_UNLCK)


def _is_current(path: Path, number: int) -> bool:
    """Whether the locked file is still the one that others find under that name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(number))
    except FileNotFoundError:
        return False


def _write(number: int, text: str) -> None:
    """Overwrite the text without truncating first: a run that dies in here must leave the mark."""
    os.pwrite(number, text.encode(), 0)
    os.ftruncate(number, len(text.encode()))
