"""Whether a folder is an index of ours: nothing is ever written among the files of others.

`LOCK` says so. Where that is lost or damaged, what only an index of ours holds has the word: a catalogue with our
tables, a manifest of a generation, or what a part of a library says of itself.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from indexer.disk import open_plain

# Whatever stands behind it, a LOCK that begins so marks a folder as an index of ours.
MARK = "sketchseek index"
_TABLES = {"roots", "photos", "contents", "vectors", "state"}
_SEALED = {"format", "fingerprint", "files", "seal"}
_LONGEST = 2**20


def is_ours(folder: Path) -> bool:
    """Whether an index may be written here: the folder is empty, marked, or holds what only an index of ours does."""
    names = {path.name for path in folder.iterdir()}
    mark = _beginning(folder / "LOCK", len(MARK))
    if not names or mark == MARK.encode():
        return True
    if names == {"LOCK"}:
        # A run that died before it wrote the mark, or a power cut, leaves part of it, or zeros.
        return mark is not None and MARK.encode().startswith(mark.strip(b"\0"))
    return _is_catalogue(folder / "catalogue.sqlite") or any(map(_is_sealed, _sealed_files(folder)))


def _sealed_files(folder: Path) -> list[Path]:
    return [folder / "part.json", *sorted(folder.glob("generations/[0-9]*/manifest.json"))]


def _is_sealed(path: Path) -> bool:
    try:
        found = json.loads(_beginning(path, _LONGEST) or b"")
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= _SEALED


def _is_catalogue(path: Path) -> bool:
    if _beginning(path, 6) != b"SQLite":
        return False
    try:
        # Immutable: no log is made beside it, in what may be the folder of others.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return False
    return tables >= _TABLES


def _beginning(path: Path, most: int) -> bytes | None:
    """The first bytes of a regular file that is no link; None for anything else."""
    try:
        with open_plain(path, follow=False) as file:
            return file.read(most)
    except OSError:
        return None
