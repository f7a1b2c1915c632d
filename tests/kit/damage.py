"""Files changed on purpose, so that nothing but their content gives it away."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.locking.opening import CATALOGUE


def flip(path: Path, where: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(where * (len(data) - 1))] ^= 0x08
    path.write_bytes(data)


@contextmanager
def damaged(path: Path, damage: Callable[[Path], object]) -> Iterator[None]:
    """Damages a file in place, and mends it in place at the end."""
    whole = path.read_bytes()
    damage(path)
    try:
        yield
    finally:
        path.write_bytes(whole)


def cut(share: float) -> Callable[[Path], object]:
    def shorten(path: Path) -> None:
        with path.open("r+b") as file:
            file.truncate(int(share * path.stat().st_size))

    return shorten


def change(index: Path, statement: str) -> None:
    """A change that SQLite finds nothing wrong with."""
    db = sqlite3.connect(index / CATALOGUE)
    with db:
        db.execute(statement)
    db.close()


Edit = Callable[[dict[str, object]], None]


def edit(folder: Path, change: Edit) -> Path:
    path = folder / "card.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
