"""The photos of one generation: an SQLite file that never changes once it is published."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from indexer.errors import BrokenGeneration

_SCHEMA = """
CREATE TABLE photos (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, relative TEXT NOT NULL, content TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL
)
"""


@dataclass(frozen=True)
class Photo:
    """A photo as a search finds it. Its id says nothing of where it lies."""

    id: int
    root: str
    relative: str
    content: str
    width: int
    height: int

    @property
    def public_id(self) -> str:
        return f"{self.id:016x}"

    @property
    def path(self) -> Path:
        return Path(self.root) / self.relative


def write_photos(path: Path, photos: Iterable[Photo]) -> None:
    db = sqlite3.connect(path)
    try:
        with db:
            db.execute(_SCHEMA)
            db.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?)", map(astuple, photos))
    finally:
        db.close()


class Photos:
    """Looks photos up by id; safe to ask from several threads."""

    def __init__(self, path: Path) -> None:
        # Immutable: SQLite neither locks the file nor looks for a journal beside it.
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._ask("SELECT count(*) FROM photos")[0][0])

    def get(self, ids: Sequence[int]) -> dict[int, Photo]:
        """Those of the ids that are there."""
        found: dict[int, Photo] = {}
        for start in range(0, len(ids), 500):
            part = [int(number) for number in ids[start : start + 500]]
            marks = ",".join("?" * len(part))
            rows = self._ask(f"SELECT * FROM photos WHERE id IN ({marks})", part)  # noqa: S608
            found.update((row[0], Photo(*row)) for row in rows)
        return found

    def __del__(self) -> None:
        # A generation that was swapped out goes when the last search in it ends, and nobody knows which that is.
        self._db.close()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _ask(self, query: str, values: Sequence[int] = ()) -> list[tuple[int, str, str, str, int, int]]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise BrokenGeneration(f"photos.sqlite: {error}; run sketchseek index again") from None
