"""Whether a folder is an index, so that nothing is ever written among other files.

`LOCK` marks it. If that is missing or damaged, something else that only an index contains decides: a catalogue with
our tables, the manifest of a generation, or the `part.json` of a part.
"""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from indexer.disk import open_plain

# A LOCK that begins with this marks the folder as an index, whatever follows.
MARK = "sketchseek index"
_TABLES = {"roots", "photos", "contents", "vectors", "state"}
_SEALED = {"format", "fingerprint", "files", "seal"}
_LONGEST = 2**20
_CACHES = {"thumbnails", "shared"}
# Folders in them: by the first digits of a hash, or by size.
_SHARD = re.compile(r"[0-9a-f]{2}|640|1280")
_SETUP = re.compile(r"setup\.json(\.tmp)?|marks\.sqlite.*")


def is_ours(folder: Path) -> bool:
    """Whether an index may be written here: the folder is empty, marked, or contains files of an index."""
    names = {path.name for path in folder.iterdir()}
    mark = _head(folder / "LOCK", len(MARK))
    if not names or mark == MARK.encode():
        return True
    if names == {"LOCK"}:
        # A power cut, or a run that died before it wrote the mark, leaves part of it, or zeros.
        return mark is not None and MARK.encode().startswith(mark.strip(b"\0"))
    if all(map(_is_left_over, folder.iterdir())):
        return True
    return _is_catalogue(folder / "catalogue.sqlite") or any(map(_is_sealed, _sealed_files(folder)))


def _is_left_over(path: Path) -> bool:
    """Whether a service may have written this where an index was deleted: its caches, and what people had asked for."""
    if path.is_symlink():
        return False
    if path.name in _CACHES and path.is_dir():
        return all(each.is_dir() and _SHARD.fullmatch(each.name) for each in path.iterdir())
    return _SETUP.fullmatch(path.name) is not None and path.is_file()


def _sealed_files(folder: Path) -> list[Path]:
    return [folder / "part.json", *sorted(folder.glob("generations/[0-9]*/manifest.json"))]


def _is_sealed(path: Path) -> bool:
    try:
        found = json.loads(_head(path, _LONGEST) or b"")
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= _SEALED


def _is_catalogue(path: Path) -> bool:
    if _head(path, 6) != b"SQLite":
        return False
    try:
        # Immutable: SQLite creates no log next to it; the folder may not be an index.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return False
    return tables >= _TABLES


def _head(path: Path, most: int) -> bytes | None:
    """Return the first bytes of a regular file, or None for anything else, links included."""
    try:
        with open_plain(path, follow=False) as file:
            return file.read(most)
    except OSError:
        return None
