"""How many photos a folder seems to hold, by file names alone, as far as one gets in time."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexer.folders.scan import is_photo_name

# The clock is asked once per so many files.
_STRIDE = 256


@dataclass
class Tally:
    """`others` are files that a scan would not take for photos; `unreadable` are folders that cannot be listed.

    Unless `complete`, there are more: time was up.
    """

    photos: int = 0
    others: int = 0
    unreadable: int = 0
    complete: bool = True


def tally(
    root: Path, time_is_up: Callable[[], bool], leave_out: Path | None = None, enough: int | None = None
) -> Tally:
    """Count what a first scan would find, or only until it is `enough`.

    Raises OSError if the folder itself cannot be listed.
    """
    found = Tally()
    folders = [str(root)]
    seen = 0
    while folders:
        folder = folders.pop()
        if folder == str(leave_out):
            continue
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    seen += 1
                    if (seen % _STRIDE == 0 and time_is_up()) or found.photos == enough:
                        found.complete = False
                        return found
                    if below := _take(entry, found):
                        folders.append(below)
        except OSError:
            if folder == str(root):
                raise
            found.unreadable += 1
    return found


def _take(entry: "os.DirEntry[str]", found: Tally) -> str | None:
    """Count one entry; returns its path if it is a folder to enter."""
    if entry.name.startswith("."):
        return None
    if entry.is_dir(follow_symlinks=False):
        return entry.path
    if is_photo_name(entry.name) and entry.is_file(follow_symlinks=False):
        found.photos += 1
    else:
        found.others += 1
    return None
