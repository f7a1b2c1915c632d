"""Numbers of generations: none is given out twice, whatever was rolled back to, pruned or deleted since.

`HIGHEST` holds the highest that was ever given out, and is on disk before a generation bears its number, and before
one that does is removed. Where it is lost or damaged, the folders that are left and `CURRENT` have the word.
"""

import re
from pathlib import Path

from indexer.disk import open_plain, sync

HIGHEST = "HIGHEST"
# Numbers grow to seven figures, and no further in anybody's life.
_NUMBER = re.compile(r"[0-9]{6,12}")


def highest(index: Path) -> int:
    """The highest number that is known to have been given out; 0 where none was."""
    folder = index / "generations"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    told = [_first_line(index / HIGHEST), _first_line(index / "CURRENT"), *names]
    return max((int(name) for name in told if _NUMBER.fullmatch(name)), default=0)


def remember(index: Path, number: int) -> None:
    """Returns once a power cut would not make anybody forget that this number was given out."""
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
