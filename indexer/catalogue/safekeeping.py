"""The catalogue between runs: sealed by its hash, with a copy to go back to.

SQLite notices damage to its own structure, and nothing else: a flipped bit in a path or an id is just another path
or id. So a run that ends leaves the hash of the catalogue in `catalogue.sqlite.seal`, and a copy beside it. The next
run opens the catalogue only if it still has that hash; otherwise it goes back to the copy, and says so.

A run that is killed leaves no hash. SQLite's own check and a look at every row have to do then.
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
_OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
# SQLite makes no log beside it.
_UNTOUCHED = "?mode=ro&immutable=1"
# What no version of ours ever wrote.
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
    """How the catalogue and its copy were left; None while a run is at it, or where there is no copy."""

    catalogue: File | None = None
    copy: File | None = None


@contextmanager
def kept_catalogue(index: Path, healed: list[str]) -> Iterator[Catalogue]:
    """The catalogue, undamaged, for the one run that holds the lock; `healed` is told if the copy had to be used."""
    reason, seal = catalogue_damage(index), read_seal(index)
    if reason:
        _go_back(index, seal, reason)
        healed.append(
            f"{CATALOGUE} was damaged ({reason}): went back to the copy that the last run left; the damaged one is "
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
        # Whatever is wrong with it shall not be sealed.
        raise
    except BaseException:
        _seal(index, seal.copy)
        raise
    _seal(index, seal.copy)


def catalogue_damage(index: Path) -> str | None:
    """What is wrong with a catalogue; None where it is as the last run left it, or there is none."""
    path, seal = index / CATALOGUE, read_seal(index)
    log = Path(f"{path}-wal")
    if not path.exists():
        return "it is missing" if _is_usable(index, seal) else None
    if not path.is_file():
        return None  # what SQLite says of it is clear enough
    if not path.stat().st_size:
        return "it is empty" if seal.catalogue or seal.copy else None
    if seal.catalogue is None or (log.exists() and log.stat().st_size):
        return _visible_damage(path)
    return None if describe_file(path) == seal.catalogue else "it is not as the last run left it"


def copy_damage(index: Path) -> str | None:
    """What is wrong with the copy; None where it is fine, or none was made."""
    seal = read_seal(index)
    return "not as the last run left it" if seal.copy and not _is_intact(index, seal) else None


def seal_damage(index: Path) -> str | None:
    """What is wrong with the seal beside a copy; None where it is fine, or no copy was made."""
    return "not as the last run left it" if (index / COPY).exists() and _whole_seal(index) is None else None


def read_seal(index: Path) -> Seal:
    """An empty one where there is none, or a damaged one, which proves nothing."""
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
    """What can be told without knowing how the file was left: SQLite's own check, and a look at every row."""
    db = sqlite3.connect(path.absolute().as_uri() + options, uri=True)
    try:
        ((said,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
        if said != "ok":
            return " ".join(str(said).split())
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in _TABLES & tables:
            for _ in db.execute(f"SELECT * FROM {table}"):  # noqa: S608
                pass
        for condition in _IMPOSSIBLE if tables >= _FIRST_TABLES else ():
            if db.execute(f"SELECT 1 FROM {condition} LIMIT 1").fetchone():  # noqa: S608
                return f"a row of {condition.partition(' ')[0]} is none of ours"
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _OF_THE_DISK:
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
    """Intact; or where the seal is lost, without any damage that shows."""
    if seal.copy is not None or not (index / COPY).is_file():
        return _is_intact(index, seal)
    return bool((index / COPY).stat().st_size) and _visible_damage(index / COPY, _UNTOUCHED) is None


def _go_back(index: Path, seal: Seal, reason: str) -> None:
    path = index / CATALOGUE
    if not _is_usable(index, seal):
        raise NoIndex(
            f"{path}: damaged ({reason}), and there is no intact copy of it; delete it and {COPY}, and run sketchseek "
            "index with the photo folders again: what is published stays, photos get new ids"
        )
    for suffix in _LOGS:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    if path.exists():
        path.replace(index / DAMAGED)
    _copy(index / COPY, path)


def _seal(index: Path, before: File | None) -> None:
    """Once the catalogue is closed; a new copy is made only where the last one differs."""
    left = describe_file(index / CATALOGUE)
    if left == before and _is_intact(index, Seal(copy=before)):
        _write_seal(index, Seal(left, before))
        return
    _write_seal(index, Seal(left))
    try:
        _copy(index / CATALOGUE, index / COPY)
    except OSError as error:
        # A full disk: the catalogue is what counts.
        log.warning("no copy of %s could be kept: %s", index / CATALOGUE, error.strerror)
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
