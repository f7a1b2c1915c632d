"""Walks photo folders: which files may be photos, how large they are and when they changed. Opens none of them."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import PhotosMissing
from model import raw

# Only which files are tried depends on the suffix; what a file is, its bytes decide when it is decoded.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".heic", ".heif", ".hif"}
    | {".tif", ".tiff", ".bmp", ".dib", ".gif"}
    | raw.SUFFIXES
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
    """What lies under one root. Below an `unreadable` path nobody can tell what is still there."""

    root: Path
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)

    def may_hold(self, relative: str) -> bool:
        """Whether a photo that was not found may be there all the same."""
        path = self.root / relative
        return any(path.is_relative_to(unreadable) for unreadable in self.unreadable)


def scan(root: Path, leave_out: Path | None = None) -> Scan:
    """Everything below a root, in a fixed order; hidden files and folders, and the index itself, are left alone."""
    if not root.exists():
        raise PhotosMissing(f"{root}: no such folder; give a folder of photos (is its drive mounted?)")
    if not root.is_dir():
        raise PhotosMissing(f"{root}: not a folder; give the folder that the photos are in")
    result = Scan(root)
    for entry in _walk(result, leave_out):
        _add(entry, result)
    if root in result.unreadable:
        raise PhotosMissing(f"{root}: {result.skipped[0].reason}; mend its permissions")
    return result


def _walk(result: Scan, leave_out: Path | None) -> Iterator["os.DirEntry[str]"]:
    folders = [result.root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            _unreadable(folder, error, result)
            continue
        below = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # A linked folder is not entered: it may lead out of the root, or round in a circle.
            if entry.is_dir(follow_symlinks=False):
                if Path(entry.path) != leave_out:
                    below.append(Path(entry.path))
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                yield entry
        folders += reversed(below)


def _add(entry: "os.DirEntry[str]", result: Scan) -> None:
    path = Path(entry.path)
    try:
        found = entry.stat(follow_symlinks=False)
        relative = path.relative_to(result.root).as_posix()
        relative.encode()
    except OSError as error:
        _unreadable(path, error, result)
    except UnicodeEncodeError:
        result.skipped.append(Skipped(path, "its name is not valid UTF-8; rename it"))
    else:
        if stat.S_ISREG(found.st_mode):
            result.found.append(Found(result.root, relative, found.st_size, found.st_mtime_ns))
        elif stat.S_ISLNK(found.st_mode):
            result.skipped.append(Skipped(path, "a symbolic link; index the folder it leads to instead"))
        else:
            result.skipped.append(Skipped(path, "not a regular file"))


def _unreadable(path: Path, error: OSError, result: Scan) -> None:
    result.unreadable.append(path)
    result.skipped.append(Skipped(path, f"cannot be read ({error.strerror})"))
