"""Generation numbers, never reused whatever was rolled back, pruned, or deleted.

`HIGHEST` stores the highest number ever used. It is synced to disk before a generation gets its number, and before one
is removed. If it is lost or damaged, the existing folders and `CURRENT` determine the number.
"""

import re
from pathlib import Path

from indexer.disk import open_plain, sync

HIGHEST = "HIGHEST"
# Seven digits are more than enough in practice.
_NUMBER = re.compile(r"[0-9]{6,12}")


def highest(index: Path) -> int:
    """The highest number known to have been used; 0 if there is none."""
    folder = index / "generations"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    used = [_first_line(index / HIGHEST), _first_line(index / "CURRENT"), *names]
    return max((int(name) for name in used if _NUMBER.fullmatch(name)), default=0)


def remember(index: Path, number: int) -> None:
    """Record durably that this number was used."""
    if _first_line(index / HIGHEST) == (text := f"{number:06d}"):
        return
    temporary = index / f"{HIGHEST}.tmp"
    temporary.write_text(f"{text}\n", encoding="utf-8")
    sync(temporary)
    temporary.replace(index / HIGHEST)
    sync(index)


def _first_line(path: Path) -> str:
    try:
        with open_plain(path) as file:
            return file.read(64).decode("ascii", "replace").partition("\n")[0].strip()
    except OSError:
        return ""
