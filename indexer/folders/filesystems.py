"""Which file systems tell truly when a file changed (its ctime), so that it may be compared between runs.

Size and time of writing can be set, and stay as they are when two files change places; the kernel alone sets the
ctime. Local file systems of Linux store it. Others make it up (vfat, exfat), take it from a server, or leave it to a
program (nfs, smb, fuse): there, and where nobody tells what is mounted, size and time of writing have to do.
"""

import os
import re
from pathlib import Path

_STORED = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "nilfs2", "tmpfs", "overlay"}
)
MOUNTS = Path("/proc/self/mountinfo")


class ChangeTimes:
    """Tells for the folders below a root whether ctimes are stored there."""

    def __init__(self, root: Path, table: Path | None = None) -> None:
        self._root = os.path.realpath(root)
        self._below: list[tuple[str, bool]] = []
        self._at_root = False
        deepest = ""
        for point, kind in _mounts(table or MOUNTS):
            if _holds(point, self._root):
                # Of several mounted at one place, the last is seen.
                if len(point) >= len(deepest):
                    deepest, self._at_root = point, kind in _STORED
            elif _holds(self._root, point):
                self._below.append((point, kind in _STORED))
        self._below.sort(key=lambda mount: len(mount[0]))

    def stored(self, folder: str) -> bool:
        """For a folder relative to the root; "" for the root."""
        if not self._below:
            return self._at_root
        path = f"{self._root.rstrip('/')}/{folder}" if folder else self._root
        found = self._at_root
        for point, stored in self._below:
            if _holds(point, path):
                found = stored
        return found


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def _mounts(table: Path) -> list[tuple[str, str]]:
    """Mount points and kinds of file system, as this process sees them."""
    try:
        lines = os.fsdecode(table.read_bytes()).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, _, after = line.partition(" - ")
        if len(fields := before.split(" ")) > 4 and after:
            found.append((_plain(fields[4]), after.split(" ")[0]))
    return found


def _plain(field: str) -> str:
    """Spaces and the like are written as octal numbers."""
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), os.fsencode(field))
    return os.fsdecode(raw)
