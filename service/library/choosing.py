"""Choosing photo folders in the page: what is in a folder, how many photos, and why one cannot be added."""

import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.folders.tally import tally
from service.library.places import Places
from service.problems import ServiceError
from service.setup_schemas import Below, Count, Listing, Start

COUNT_SECONDS = 2.0
# More folders than anybody scrolls through.
_MOST_LISTED = 5000


@dataclass(frozen=True)
class Chooser:
    """`known` are the photo folders of the library."""

    places: Places
    index: Path
    known: Sequence[Path] = ()

    def listing(self, text: str | None) -> Listing:
        """The folders in a folder. Folders and links that lead out of the places are left out."""
        starts = [Start(name=place.name, path=str(place.path)) for place in self.places.named()]
        if not text:
            return Listing(path="", parent=None, folders=[], places=starts, problem=None)
        path = self.allowed(text)
        folders: Sequence[Below] = []
        problem = _unusable(path)
        if problem is None:
            folders = sorted(self._below(path), key=lambda below: (below.name.casefold(), below.name))
        if len(folders) > _MOST_LISTED:
            problem = f"only the first {_MOST_LISTED} of {len(folders)} folders are listed"
        parent = str(path.parent) if path.parent != path and self.places.holds(path.parent) else None
        return Listing(
            path=str(path), parent=parent, folders=folders[:_MOST_LISTED], places=starts, problem=problem
        )

    def count(self, text: str, *, enough: int | None = None) -> Count:
        """Count the photos below a folder, and say why it cannot be added."""
        path = self.allowed(text)
        if problem := self._refused(path) or _unusable(path):
            return Count(photos=0, skipped=0, complete=True, problem=problem)
        end = time.monotonic() + COUNT_SECONDS
        try:
            found = tally(path, lambda: time.monotonic() > end, self.index.resolve(), enough)
            empty = next(path.iterdir(), None) is None
        except OSError as error:
            return Count(photos=0, skipped=0, complete=True, problem=_unreadable(path, error))
        if found.complete and not found.photos:
            problem = "this folder is empty" if empty else "there are no photos in this folder"
            if found.unreadable:
                problem += f", as far as it can be read: {found.unreadable} folders in it cannot be"
        return Count(photos=found.photos, skipped=found.others, complete=found.complete, problem=problem)

    def holds(self, text: str) -> bool:
        """Whether this very folder is in the library."""
        return self.allowed(text).resolve() in self.known

    def checked(self, text: str) -> Path:
        """The real path of a folder that can be added; raises ServiceError with the reason if it cannot."""
        if problem := self.count(text, enough=1).problem:
            raise _refusal(problem)
        return self.allowed(text).resolve()

    def allowed(self, text: str) -> Path:
        """The path, if it is one and lies in one of the places, whatever links it goes through."""
        try:
            text.encode()
            path = Path(text).expanduser()
            if "\0" in text or not path.is_absolute():
                raise _refusal("write the full path of a folder, such as /home/me/Pictures")
            path = Path(os.path.normpath(path))
            if self.places.holds(path):
                return path
        except (ValueError, RuntimeError, OSError):
            raise _refusal("this is not the path of a folder") from None
        raise _refusal(
            "this folder is neither in your home folder nor on a mounted drive; add it to SKETCHSEEK_PLACES, "
            "or index it with the command sketchseek index"
        )

    def _below(self, path: Path) -> list[Below]:
        found = []
        with os.scandir(path) as listing:
            for entry in listing:
                if _is_text(entry.name) and self._is_folder(entry):
                    hidden = entry.name.startswith(".")
                    found.append(Below(name=entry.name, path=entry.path, hidden=hidden))
        return found

    def _is_folder(self, entry: "os.DirEntry[str]") -> bool:
        try:
            if entry.is_symlink():
                return entry.is_dir() and self.places.holds(Path(entry.path))
            return entry.is_dir(follow_symlinks=False)
        except (OSError, RuntimeError):
            return False

    def _refused(self, path: Path) -> str | None:
        """Why the library cannot hold this folder, whatever is in it."""
        real, index = path.resolve(), self.index.resolve()
        if real.is_relative_to(index):
            return "this folder belongs to the index itself; choose a folder of photos"
        for known in self.known:
            if real == known:
                gone = "" if real.is_dir() else ", but it is not there now; is its drive mounted?"
                return f"this folder is in your library already{gone}"
            if real.is_relative_to(known):
                return f"this folder is in your library already, as part of {known}"
            if known.is_relative_to(real):
                return f"this folder contains {known}, which is in your library; remove that first"
        # What lies in a hidden folder is not scanned, so nobody would see thumbnails among the photos.
        if index.is_relative_to(real) and not any(
            part.startswith(".") for part in index.relative_to(real).parts
        ):
            return "this folder contains the index itself; choose the folders in it that hold your photos"
        return None


def _unusable(path: Path) -> str | None:
    try:
        with os.scandir(path) as listing:
            next(listing, None)
    except OSError as error:
        return _unreadable(path, error)
    return None


def _unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such folder; check its path, and whether its drive is mounted"
    if isinstance(error, NotADirectoryError):
        return "this is a file; choose the folder that it is in"
    if isinstance(error, PermissionError):
        return f"you may not read this folder{_owner(path)}; change its permissions, or choose another"
    return f"this folder cannot be read ({error.strerror}); check its drive"


def _owner(path: Path) -> str:
    try:
        owner = path.stat().st_uid
        return "" if owner == os.getuid() else f": it belongs to {pwd.getpwuid(owner).pw_name}"
    except (OSError, KeyError):
        return ""


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refusal(problem: str) -> ServiceError:
    return ServiceError("folder_refused", problem)
