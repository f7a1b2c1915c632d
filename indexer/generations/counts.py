"""How many photos each folder, camera, and year has. Folders are counted when a generation is published."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from indexer.conditions import fold
from indexer.values import Facets, Photo

Ask = Callable[[str], Iterable[tuple[Any, ...]]]

_TABLE = "CREATE TABLE folders (folder TEXT PRIMARY KEY, photos INTEGER NOT NULL) WITHOUT ROWID"
_MORE = """
INSERT INTO folders VALUES (?, ?) ON CONFLICT (folder) DO UPDATE SET photos = photos + excluded.photos
"""
# Photos that are counted at a time, in as many folders at most.
_AT_ONCE = 500_000
_CAMERAS = "SELECT camera, count(*) FROM photos WHERE camera IS NOT NULL GROUP BY camera"
_YEARS = "SELECT substr(taken, 1, 4) AS year, count(*) FROM photos WHERE taken IS NOT NULL GROUP BY year"


@dataclass(frozen=True)
class Counts:
    """Photos directly in each folder, and of each spelling of a camera, and each year."""

    folders: Counter[str]
    cameras: Counter[str]
    years: Counter[str]

    def less(self, photos: Iterable[Photo]) -> "Counts":
        """The same without these photos."""
        known = list(photos)
        folders = Counter(_folder(photo.relative) for photo in known)
        cameras = Counter(photo.camera for photo in known if photo.camera)
        years = Counter(photo.taken[:4] for photo in known if photo.taken)
        cameras = _as_spelled(cameras, self.cameras)
        return Counts(self.folders - folders, self.cameras - cameras, self.years - years)

    def facets(self) -> Facets:
        below: Counter[str] = Counter()
        for folder, photos in self.folders.items():
            names = folder.split("/") if folder else []
            for depth in range(1, len(names) + 1):
                below["/".join(names[:depth])] += photos
        spellings: dict[str, Counter[str]] = {}
        for name, photos in self.cameras.items():
            spellings.setdefault(fold(name), Counter())[name] = photos
        # What a filter does not tell apart is one camera, by its most frequent name.
        cameras = {known.most_common(1)[0][0]: known.total() for _, known in sorted(spellings.items())}
        return Facets(dict(sorted(below.items())), cameras, dict(sorted(self.years.items(), reverse=True)))


def write_folders(db: sqlite3.Connection) -> None:
    """Add the table of folders to a generation's photos."""
    db.execute(_TABLE)
    folders = (_folder(relative) for (relative,) in db.execute("SELECT relative FROM photos"))
    while counts := Counter(islice(folders, _AT_ONCE)):
        db.executemany(_MORE, counts.items())


def counted(ask: Ask) -> Counts:
    """Count everything; older versions of sketchseek have not counted the folders."""
    if any(ask("SELECT 1 FROM sqlite_master WHERE name = 'folders'")):
        folders: Counter[str] = Counter(dict(ask("SELECT folder, photos FROM folders")))
    else:
        folders = Counter(_folder(relative) for (relative,) in ask("SELECT relative FROM photos"))
    return Counts(folders, Counter(dict(ask(_CAMERAS))), Counter(dict(ask(_YEARS))))


def _folder(relative: str) -> str:
    return relative.rpartition("/")[0]


def _as_spelled(cameras: Counter[str], known: Counter[str]) -> Counter[str]:
    """SQL counts spellings that differ in the case of ASCII letters as one of them."""
    names = {_lower(name): name for name in known}
    found: Counter[str] = Counter()
    for name, photos in cameras.items():
        found[names.get(_lower(name), name)] += photos
    return found


def _lower(name: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
