"""Compare the thumbnail folder with the catalogue: what is missing or truncated, and what is no longer needed.

Each run lists the folder, which takes a second for some hundred thousand photos, and opens no file. Damage within a
file shows only when it is read: the service repairs a thumbnail when somebody views it; `verify --deep` finds all
damaged ones and lists them in DAMAGED for the next run.
"""

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.decoding.thumbnails import ON_DEMAND, OUTDATED, UNFINISHED, has_thumbnail

DAMAGED = "damaged.txt"
# If more are damaged, later checks find the rest.
MOST_NOTED = 100_000
_SMALL = ".webp"
_PREFIXES = tuple(f"{number:02x}" for number in range(256))
_CONTENT = re.compile(r"[0-9a-f]{32}")
# The service may be writing one right now.
_ABANDONED_SECONDS = 3600.0


def sweep(catalogue: Catalogue, thumbnails: Path) -> set[str]:
    """Remove files that belong to no photo; returns contents whose thumbnail must be made."""
    missing = _noted(thumbnails)
    for prefix in _PREFIXES:
        expected = {f"{content}{_SMALL}": size for content, size in catalogue.thumbnails(prefix).items()}
        there = _tidied(thumbnails / prefix, expected)
        # Few differ, and sets find them.
        missing.update(
            name.removesuffix(_SMALL)
            for name, size in expected.items() - there.items()
            if not (found := there.get(name)) or found != (size or found)
        )
        for name in ON_DEMAND.values():
            _tidied(thumbnails / name / prefix, expected)
        _tidied(thumbnails / OUTDATED / prefix, {})
    return missing


def _tidied(folder: Path, expected: dict[str, int | None]) -> dict[str, int]:
    """Remove what belongs to no photo; returns the files that were there."""
    there = _sizes(folder)
    for name in list(_strays(folder, there, expected)):
        (folder / name).unlink(missing_ok=True)
    return there


def damaged_thumbnails(catalogue: Catalogue, thumbnails: Path) -> Iterator[str]:
    """Yield contents whose thumbnail is missing or damaged; reads every file."""
    for prefix in _PREFIXES:
        for content in catalogue.thumbnails(prefix):
            if not has_thumbnail(thumbnails, content):
                yield content


def note_damaged(thumbnails: Path, contents: Iterable[str]) -> None:
    """List damaged thumbnails for the next run."""
    thumbnails.mkdir(exist_ok=True)
    (thumbnails / DAMAGED).write_text("\n".join(sorted(contents)[:MOST_NOTED]) + "\n", "ascii")


def forget_damaged(thumbnails: Path) -> None:
    (thumbnails / DAMAGED).unlink(missing_ok=True)


def _noted(thumbnails: Path) -> set[str]:
    try:
        with (thumbnails / DAMAGED).open(encoding="ascii", errors="replace") as file:
            return set(_CONTENT.findall(file.read(MOST_NOTED * 33)))
    except OSError:
        return set()


def _sizes(folder: Path) -> dict[str, int]:
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
            return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in files}
    except OSError:
        return {}


def _strays(folder: Path, there: dict[str, int], expected: dict[str, int | None]) -> Iterator[str]:
    """Yield our own unneeded files; files that somebody else put here stay."""
    for name in there.keys() - expected.keys():
        content, _, suffix = name.partition(".")
        if not _CONTENT.fullmatch(content) or not name.startswith(folder.name):
            continue
        unfinished = suffix.endswith(UNFINISHED.removeprefix("."))
        if suffix == "webp" or (unfinished and _is_abandoned(folder / name)):
            yield name


def _is_abandoned(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) > _ABANDONED_SECONDS
    except OSError:
        return False
