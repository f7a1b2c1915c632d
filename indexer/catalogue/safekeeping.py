"""The catalogue between runs: sealed by its hash, with a copy to restore.

SQLite detects damage only to its own structure: a flipped bit in a path or an id is just another path or id. So each
run ends by storing the hash of the catalogue in `catalogue.sqlite.seal`, and a copy next to it. The next run opens the
catalogue only if it still has that hash; otherwise it restores the copy and reports it.

A killed run leaves no hash. Then SQLite's own check and a look at every row have to do.
"""

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.disk import read_plain, sync
from indexer.errors import BrokenGeneration, NoIndex
from indexer.locking.opening import CATALOGUE
from indexer.sealing import File, describe_file, sealed

log = logging.getLogger("sketchseek")

COPY, SEAL, DAMAGED = f"{CATALOGUE}.copy", f"{CATALOGUE}.seal", f"{CATALOGUE}.damaged"
_LOGS = ("-wal", "-shm", "-journal")
_FIRST_TABLES = {"roots", "photos", "contents", "vectors", "state"}
_TABLES = _FIRST_TABLES | {"looks", "removed", "orphans"}
_DISK_ERRORS = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
# SQLite creates no log next to it.
_UNTOUCHED = "?mode=ro&immutable=1"
# Rows that no version ever wrote.
_IMPOSSIBLE = (
    "photos WHERE typeof(id) != 'integer' OR typeof(relative) != 'text' OR typeof(size) != 'integer' "
    "OR typeof(mtime_ns) != 'integer' OR relative IN ('', '.', '..') OR relative GLOB '/*' "
    "OR root NOT IN (SELECT root FROM roots) OR (content IS NULL) = (error IS NULL)",
    "photos WHERE content IS NOT NULL AND (length(content) != 32 OR content GLOB '*[^0-9a-f]*')",
    "vectors WHERE typeof(shard) != 'integer' OR typeof(row) != 'integer' OR row < 0 OR shard < 1",
    "contents WHERE typeof(width) != 'integer' OR typeof(height) != 'integer' OR width < 1 OR height < 1",
)


@dataclass(frozen=True)
class Seal:
    """The expected catalogue and copy; None while a run is active, or if there is no copy."""

    catalogue: File | None = None
    copy: File | None = None


@contextmanager
def kept_catalogue(index: Path, healed: list[str]) -> Iterator[Catalogue]:
    """Open the catalogue for the run that holds the lock; a restore from the copy is added to `healed`."""
    reason, seal = catalogue_damage(index), read_seal(index)
    if reason:
        _restore(index, seal, reason)
        healed.append(
            f"{CATALOGUE} was damaged ({reason}): restored the copy made by the last run; the damaged file is "
            f"kept as {DAMAGED}"
        )
    opened = Catalogue(index / CATALOGUE)
    try:
        with opened as catalogue:
            if reason:
                catalogue.forget_revision()
            _write_seal(index, Seal(copy=seal.copy))
            yield catalogue
    except sqlite3.Error:
        # Never seal a catalogue that SQLite complains about.
        raise
    except BaseException:
        _seal(index, seal.copy)
        raise
    _seal(index, seal.copy)


def catalogue_damage(index: Path) -> str | None:
    """Return what is wrong with the catalogue; None if it is as the last run left it, or absent."""
    path, seal = index / CATALOGUE, read_seal(index)
    log = Path(f"{path}-wal")
    if not path.exists():
        return "it is missing" if _is_usable(index, seal) else None
    if not path.is_file():
        return None  # SQLite's own error is clear enough
    if not path.stat().st_size:
        return "it is empty" if seal.catalogue or seal.copy else None
    if seal.catalogue is None or (log.exists() and log.stat().st_size):
        return _visible_damage(path)
    return None if describe_file(path) == seal.catalogue else "it changed since the last run"


def copy_damage(index: Path) -> str | None:
    """Return what is wrong with the copy; None if it is intact, or none was made."""
    seal = read_seal(index)
    return "changed since the last run" if seal.copy and not _is_intact(index, seal) else None


def seal_damage(index: Path) -> str | None:
    """Return what is wrong with the seal; None if it is intact, or no copy was made."""
    return "changed since the last run" if (index / COPY).exists() and _whole_seal(index) is None else None


def read_seal(index: Path) -> Seal:
    """Read the seal; a missing or damaged one counts as empty."""
    return _whole_seal(index) or Seal()


def _whole_seal(index: Path) -> Seal | None:
    try:
        data = read_plain(index / SEAL)
        raw = json.loads(data)
        raw.pop("seal")
        found = Seal(**{name: file and File(**file) for name, file in raw.items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if data == sealed(asdict(found)) else None


def _visible_damage(path: Path, options: str = "") -> str | None:
    """Find damage without a hash: SQLite's own check, and a look at every row."""
    db = sqlite3.connect(path.absolute().as_uri() + options, uri=True)
    try:
        ((result,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
        if result != "ok":
            return " ".join(str(result).split())
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in _TABLES & tables:
            for _ in db.execute(f"SELECT * FROM {table}"):  # noqa: S608
                pass
        for condition in _IMPOSSIBLE if tables >= _FIRST_TABLES else ():
            if db.execute(f"SELECT 1 FROM {condition} LIMIT 1").fetchone():  # noqa: S608
                return f"a row of {condition.partition(' ')[0]} is invalid"
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DISK_ERRORS:
            raise
        return str(error)
    finally:
        db.close()
    return None


def _is_intact(index: Path, seal: Seal) -> bool:
    try:
        return seal.copy is not None and describe_file(index / COPY) == seal.copy
    except BrokenGeneration:
        return False


def _is_usable(index: Path, seal: Seal) -> bool:
    """Whether the copy is intact, or, if the seal is lost, shows no damage."""
    if seal.copy is not None or not (index / COPY).is_file():
        return _is_intact(index, seal)
    return bool((index / COPY).stat().st_size) and _visible_damage(index / COPY, _UNTOUCHED) is None


def _restore(index: Path, seal: Seal, reason: str) -> None:
    path = index / CATALOGUE
    if not _is_usable(index, seal):
        raise NoIndex(
            f"{path}: damaged ({reason}), and there is no intact copy; delete it and {COPY}, and run sketchseek "
            "index with the photo folders again: what is published stays, photos get new ids"
        )
    for suffix in _LOGS:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    if path.exists():
        path.replace(index / DAMAGED)
    _copy(index / COPY, path)


def _seal(index: Path, before: File | None) -> None:
    """Seal the closed catalogue; makes a new copy only if the last one differs."""
    left = describe_file(index / CATALOGUE)
    if left == before and _is_intact(index, Seal(copy=before)):
        _write_seal(index, Seal(left, before))
        return
    _write_seal(index, Seal(left))
    try:
        _copy(index / CATALOGUE, index / COPY)
    except OSError as error:
        # Probably a full disk; only the catalogue itself is essential.
        log.warning("cannot make a copy of %s: %s", index / CATALOGUE, error.strerror)
        return
    _write_seal(index, Seal(left, left))


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f"{target.name}.tmp")
    try:
        shutil.copyfile(source, temporary)
        sync(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(target.parent)


def _write_seal(index: Path, seal: Seal) -> None:
    temporary = index / f"{SEAL}.tmp"
    temporary.write_bytes(sealed(asdict(seal)))
    sync(temporary)
    temporary.replace(index / SEAL)
    sync(index)
