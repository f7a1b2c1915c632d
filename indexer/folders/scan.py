"""Walk photo folders: which files may be photos, their sizes, and their times. No file is opened."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from indexer.errors import PhotosMissing
from indexer.folders.filesystems import ChangeTimes
from indexer.folders.partition import Partition
from indexer.folders.patterns import Patterns
from model.pictures import formats, raw

SUFFIXES = formats.SUFFIXES | raw.SUFFIXES
_LONGEST_TIME = 2**63 - 1
_BY_NAME = attrgetter("name")


@dataclass(frozen=True)
class ScanRules:
    """Which files of a folder to scan. With `include`, only files that match it."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    follow_links: bool = False

    def leave_out(self, relative: str) -> bool:
        """Whether a file would be ignored even if it existed."""
        # Followed links may lead to hidden files.
        hidden = not (self.hidden or self.follow_links) and f"/{relative}".find("/.") >= 0
        excluded = bool(self.exclude) and Patterns(self.exclude).match_any(relative)
        return hidden or excluded or (bool(self.include) and not Patterns(self.include).match_any(relative))


class Found(NamedTuple):
    """A file that may be a photo, as the file system describes it; `ctime_ns` is None where it is unreliable."""

    root: Path
    relative: str
    size: int
    mtime_ns: int
    ctime_ns: int | None = None

    @property
    def path(self) -> Path:
        return self.root / self.relative


@dataclass(frozen=True)
class Skipped:
    """A file that was skipped, and why."""

    path: Path
    reason: str


@dataclass
class Scan:
    """The files below one root. What exists below an `unreadable` path is unknown.

    `device` is the root's; `mounts` are the folders below it where another file system begins.
    """

    root: Path
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    device: int | None = None
    mounts: list[str] = field(default_factory=list)

    def may_hold(self, relative: str) -> bool:
        """Whether a photo that was not found may still exist."""
        return any(relative == path or relative.startswith(f"{path}/") for path in self.unreadable)

    def keep(self, part: Partition) -> None:
        """Keep only what is in that part of the library, and every folder that cannot be listed."""
        self.found = [found for found in self.found if part.holds(found.relative)]
        unreadable = {self.root / path for path in self.unreadable}
        self.skipped = [
            bad
            for bad in self.skipped
            if bad.path in unreadable or part.holds(bad.path.relative_to(self.root).as_posix())
        ]

    def add_unreadable(self, relative: str, reason: str) -> None:
        self.unreadable.append(relative)
        self.skipped.append(Skipped(self.root / relative, reason))


def scan(
    root: Path, rules: ScanRules | None = None, *, leave_out: Path | None = None, roots: Sequence[Path] = ()
) -> Scan:
    """Find all files below a root, in a fixed order, except those of the index itself.

    `roots` are all the folders that links may lead to.
    """
    if not root.exists():
        raise PhotosMissing(f"{root}: no such folder; check the path (is its drive mounted?)")
    if not root.is_dir():
        raise PhotosMissing(f"{root}: not a folder; give the folder that contains the photos")
    try:
        return _Walk(root, rules or ScanRules(), leave_out, roots).go()
    except OSError as error:
        raise PhotosMissing(f"{root}: cannot be read ({error.strerror}); fix its permissions") from None


def file_time(mtime_ns: int) -> int:
    """Clamp a time to what SQLite can store; some file systems go beyond it."""
    if -_LONGEST_TIME <= mtime_ns <= _LONGEST_TIME:
        return mtime_ns
    return _LONGEST_TIME if mtime_ns > 0 else -_LONGEST_TIME


class _Walk:
    """One walk. Paths are strings relative to the root: a hundred thousand Path objects take seconds."""

    def __init__(self, root: Path, rules: ScanRules, leave_out: Path | None, roots: Sequence[Path]) -> None:
        self._rules = rules
        self._include, self._exclude = Patterns(rules.include), Patterns(rules.exclude)
        self._leave_out = str(leave_out)
        self._real_root = root.resolve()
        self._others = [other.resolve() for other in roots if other != root]
        self._result = Scan(root, device=root.stat().st_dev)
        self._times = ChangeTimes(root)
        self._folders: list[str] = []
        self._links: list[str] = []
        self._entered: set[str] = set()
        self._added: set[str] = set()

    def go(self) -> Scan:
        self._list("")
        self._drain()
        # Last, so that files reachable without a link are known by their own names.
        while self._links:
            self._follow(self._links.pop(0))
            self._drain()
        return self._result

    def _drain(self) -> None:
        while self._folders:
            folder = self._folders.pop()
            try:
                self._list(folder)
            except OSError as error:
                self._result.add_unreadable(folder, f"cannot be read ({error.strerror})")

    def _list(self, folder: str) -> None:
        if self._rules.follow_links:
            if folder in self._entered:
                return
            self._entered.add(folder)
        with os.scandir(f"{self._result.root}/{folder}" if folder else self._result.root) as listing:
            entries = sorted(listing, key=_BY_NAME)
        below = []
        for entry in entries:
            if entry.name.startswith(".") and not self._rules.hidden:
                continue
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self._leave_out and not self._excluded(relative, folder=True):
                    below.append(relative)
                    self._visit_folder(relative, entry)
            elif not self._excluded(relative):
                self._visit(relative, entry)
        self._folders += reversed(below)

    def _excluded(self, relative: str, *, folder: bool = False) -> bool:
        return bool(self._rules.exclude) and self._exclude.match(relative, folder=folder)

    def _visit_folder(self, relative: str, entry: "os.DirEntry[str]") -> None:
        if is_photo_name(relative):
            reason = "a folder, despite its name; the photos in it are indexed"
            self._result.skipped.append(Skipped(Path(entry.path), reason))
        try:
            device = entry.stat(follow_symlinks=False).st_dev
        except OSError:
            return
        if device != self._result.device and is_text(relative):
            self._result.mounts.append(relative)

    def _visit(self, relative: str, entry: "os.DirEntry[str]") -> None:
        if entry.is_symlink() and self._rules.follow_links:
            self._links.append(relative)
        elif is_photo_name(relative) and self._included(relative):
            try:
                described = entry.stat(follow_symlinks=False)
            except OSError as error:
                self._result.add_unreadable(relative, f"cannot be read ({error.strerror})")
            else:
                self._add(relative, described)

    def _included(self, relative: str) -> bool:
        return not self._rules.include or self._include.match_any(relative)

    def _add(self, relative: str, described: os.stat_result) -> None:
        result = self._result
        if not is_text(relative):
            reason = "its name is not valid UTF-8; rename it"
        elif stat.S_ISREG(described.st_mode):
            if self._rules.follow_links:
                self._added.add(relative)
            written = file_time(described.st_mtime_ns)
            stored = self._times.stored(relative.rpartition("/")[0])
            changed = file_time(described.st_ctime_ns) if stored else None
            result.found.append(Found(result.root, relative, described.st_size, written, changed))
            return
        elif stat.S_ISLNK(described.st_mode):
            exists = (result.root / relative).exists()
            reason = (
                "a symbolic link; index its target instead, or add --follow-links"
                if exists
                else "a broken symbolic link; delete it"
            )
        else:
            reason = "not a regular file"
        result.skipped.append(Skipped(result.root / relative, reason))

    def _follow(self, link: str) -> None:
        """Add a link's target by its own name, so that no photo appears twice and no cycle is endless."""
        path = self._result.root / link
        try:
            target = path.resolve(strict=True)
            described = target.stat()
        except (OSError, RuntimeError):
            if is_photo_name(link):
                self._result.skipped.append(Skipped(path, "a broken symbolic link; delete it"))
            return
        is_folder = stat.S_ISDIR(described.st_mode)
        if not is_folder and not (is_photo_name(link) and self._included(link)):
            return
        if not target.is_relative_to(self._real_root):
            # If it is in another photo folder, that folder's own scan finds it.
            if not any(target.is_relative_to(other) for other in self._others):
                reason = "a symbolic link that leads out of the photo folders; index its target as well"
                self._result.skipped.append(Skipped(path, reason))
            return
        relative = "" if target == self._real_root else target.relative_to(self._real_root).as_posix()
        if target.is_relative_to(self._leave_out) or (
            self._rules.exclude and self._exclude.match_any(relative)
        ):
            return
        if is_folder:
            self._folders.append(relative)
        elif relative not in self._added:
            self._add(relative, described)


def is_photo_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122


def is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
