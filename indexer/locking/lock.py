"""One writer at a time. The kernel holds the locks, so a killed run never leaves one behind.

A writer holds three: a flock on `LOCK`, which keeps all other versions out; one on the folder itself, where the file
system allows it, which holds though somebody deletes or replaces `LOCK` meanwhile; and a record lock on `LOCK`, which
others can ask for without taking it. Whoever only wants to know whether a run is at work must not get in its way.
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
# Older versions ask by holding the lock for a moment.
_TRIES, _PAUSE = 20, 0.025
_LONGEST = 200
# struct flock; Linux asks for its process to be 0.
_RECORD = "hhqqi4x"


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Holds the index for writing; says who does if somebody else is at it. Mends a LOCK that is damaged or lost."""
    with _folder(index, fcntl.LOCK_EX) as alone:
        number = _locked(index, lambda: _open_or_mend(index, alone=alone), fcntl.LOCK_EX)
        try:
            _hold_record(number)
            _tell_what_was_mended(index, number)
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
    """Keeps runs out while something is read that they might change; nothing is written, not even here."""
    with _folder(index, fcntl.LOCK_SH):
        try:
            number = _locked(index, lambda: os.open(index / "LOCK", os.O_RDONLY | _OPEN), fcntl.LOCK_SH)
        except OSError as error:
            raise NoIndex(
                f"{index}: no index of ours ({error.strerror}: LOCK); give the folder of one, or if this is one, "
                "run sketchseek index there again"
            ) from None
        try:
            yield
        finally:
            os.close(number)


def is_held(index: Path) -> bool:
    """Whether a writer is at it now. Where writers are of this version, nothing is taken to find out."""
    try:
        number = os.open(index / "LOCK", os.O_RDONLY | _OPEN)
    except OSError:
        return False
    try:
        if (held := _record_held(number)) or os.pread(number, _LONGEST, 0) == MARK.encode():
            return held
        # Somebody claims to be at work: an older version, or one that died.
        return not _flock(number, fcntl.LOCK_SH)
    except OSError:
        return False
    finally:
        os.close(number)


@contextmanager
def _folder(index: Path, how: int) -> Iterator[bool]:
    """A lock on the folder itself; False where the file system has none for folders, as network drives."""
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
    """A descriptor of LOCK that holds the lock, and is what stands under that name."""
    for _ in range(_TRIES):
        number = opened()
        try:
            if _flock(number, how):
                if _stands(index / "LOCK", number):
                    return number
            elif _record_held(number):
                raise _busy(index)
        except BaseException:
            os.close(number)
            raise
        os.close(number)
        time.sleep(_PAUSE)
    raise _busy(index)


def _open_or_mend(index: Path, *, alone: bool) -> int:
    """LOCK for writing. What else stands there is put aside, never removed, if nobody else can be at it."""
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
        raise IndexProblem(f"{path}: not the file it should be; move it away, and run the same command again")
    aside = next(name for name in _names_aside(path) if not os.path.lexists(name))
    path.rename(aside)
    log.warning("%s was not the file it should be, and lies in %s now; made anew", path, aside.name)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, 0o666)


def _names_aside(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.name}.aside{number or ''}") for number in itertools.count())


def _tell_what_was_mended(index: Path, number: int) -> None:
    """A LOCK that was damaged, or is new although the index is not. Zeros and part of the mark are a run that died."""
    found = os.pread(number, len(MARK), 0)
    if not found and (index / "catalogue.sqlite").exists():
        log.warning("%s: LOCK was missing or empty; made anew", index)
    elif not MARK.encode().startswith(found.strip(b"\0")):
        log.warning("%s: LOCK was damaged; written anew", index)


def _busy(index: Path) -> IndexBusy:
    holder = ""
    with suppress(OSError):
        number = os.open(index / "LOCK", os.O_RDONLY | _OPEN)
        with open(number, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor, not a path
            text = file.read(_LONGEST)
        holder = text.removeprefix(MARK).strip(" :") if text.startswith(MARK) and text.isprintable() else ""
    return IndexBusy(f"{index}: {holder or 'another process'} is indexing here; wait until it is done")


def _flock(number: int, how: int) -> bool:
    try:
        fcntl.flock(number, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold_record(number: int) -> None:
    """Only so that others can ask; where there are no such locks, they find another way."""
    if hasattr(fcntl, "F_OFD_SETLK"):
        with suppress(OSError):
            fcntl.fcntl(number, fcntl.F_OFD_SETLK, struct.pack(_RECORD, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def _record_held(number: int) -> bool:
    """Whether somebody else holds the record lock."""
    if not hasattr(fcntl, "F_OFD_GETLK"):
        return False
    try:
        asked = struct.pack(_RECORD, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        found = fcntl.fcntl(number, fcntl.F_OFD_GETLK, asked)
    except OSError:
        return False
    return bool(struct.unpack(_RECORD, found)[0] != fcntl.F_UNLCK)


def _stands(path: Path, number: int) -> bool:
    """Whether what was locked is still what everybody else finds under that name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(number))
    except FileNotFoundError:
        return False


def _write(number: int, text: str) -> None:
    """Over the old text, never through an empty file: a run that dies in here must leave the mark."""
    os.pwrite(number, text.encode(), 0)
    os.ftruncate(number, len(text.encode()))
