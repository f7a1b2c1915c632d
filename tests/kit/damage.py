"""Files changed on purpose, so that nothing but their content gives it away."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.locking.opening import CATALOGUE


def flip(path: Path, where: float = 0.5) -> None:
    """One bit of the byte at that share of the file, or with a whole number at that place of it."""
    data = bytearray(path.read_bytes())
    data[where if isinstance(where, int) else int(where * (len(data) - 1))] ^= 0x08
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    """As a file system may leave it after a power cut: the size that it had, and nothing in it."""
    path.write_bytes(bytes(path.stat().st_size))


def encrypt(path: Path) -> None:
    path.write_bytes(bytes(byte ^ 0x5A for byte in path.read_bytes()))


@contextmanager
def damaged(path: Path, damage: Callable[[Path], object]) -> Iterator[None]:
    """Damages a file in place, and repairs it in place at the end."""
    whole = path.read_bytes()
    damage(path)
    try:
        yield
    finally:
        path.write_bytes(whole)


def cut(share: float) -> Callable[[Path], None]:
    """Leaves that share of a file."""

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
