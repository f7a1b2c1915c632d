"""Walks photo folders: which files may be photos, how large they are and when they changed. Opens none of them."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import PhotosMissing

# Only which files are tried depends on the suffix; what a file is, its bytes decide when it is decoded.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".heic", ".heif", ".hif"}
    | {".tif", ".tiff", ".bmp", ".dib", ".gif"}
)


@dataclass(frozen=True)
class Found:
    """A file that looks like a photo, as the file system described it."""

    root: Path
    relative: str
    size: int
    mtime_ns: int

    @property
    def path(self) -> Path:
        return self.root / self.relative


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why."""

    path: Path
    reason: str


@dataclass
class Scan:
    """What lies under one root."""

    root: Path
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def scan(root: Path) -> Scan:
    """Everything below a root, in a fixed order; hidden files and folders are left alone."""
    if not root.exists():
        raise PhotosMissing(f"{root}: no such folder; give a folder of photos (is its drive mounted?)")
    if not root.is_dir():
        raise PhotosMissing(f"{root}: not a folder; give the folder that the photos are in")
    result = Scan(root)
    try:
        for entry in _walk(root, result.skipped, top=True):
            _add(entry, result)
    except OSError as error:
        raise PhotosMissing(f"{root}: cannot be read ({error.strerror}); mend its permissions") from None
    return result


def _walk(folder: Path, skipped: list[Skipped], *, top: bool = False) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        if top:
            raise
        skipped.append(Skipped(folder, f"folder cannot be read ({error.strerror})"))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        # A linked folder is not entered: it may lead out of the root, or round in a circle.
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), skipped)
        elif Path(entry.name).suffix.lower() in SUFFIXES:
            yield entry


def _add(entry: "os.DirEntry[str]", result: Scan) -> None:
    path = Path(entry.path)
    try:
        found = entry.stat(follow_symlinks=False)
        relative = path.relative_to(result.root).as_posix()
        relative.encode()
    except OSError as error:
        result.skipped.append(Skipped(path, f"cannot be read ({error.strerror})"))
    except UnicodeEncodeError:
        result.skipped.append(Skipped(path, "its name is not valid UTF-8; rename it"))
    else:
        if stat.S_ISREG(found.st_mode):
            result.found.append(Found(result.root, relative, found.st_size, found.st_mtime_ns))
        elif stat.S_ISLNK(found.st_mode):
            result.skipped.append(Skipped(path, "a symbolic link; index the folder it leads to instead"))
        else:
            result.skipped.append(Skipped(path, "not a regular file"))
