"""Which file systems store a reliable change time (ctime) that can be compared between runs.

Programs can set a file's mtime, and neither size nor mtime changes when two files swap places; only the kernel sets
the ctime. Local Linux file systems store it. Others invent it (vfat, exfat) or get it from a server or a program (nfs,
smb, fuse): there, and where the mounts are unknown, only size and mtime are compared.
"""

import os
import re
from pathlib import Path

_STORED = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "nilfs2", "tmpfs", "overlay"}
)
MOUNTS = Path("/proc/self/mountinfo")


class ChangeTimes:
    """Whether ctimes are stored, for each folder below a root."""

    def __init__(self, root: Path, table: Path | None = None) -> None:
        self._root = os.path.realpath(root)
        self._below: list[tuple[str, bool]] = []
        self._at_root = False
        deepest = ""
        for point, kind in mounts(table or MOUNTS):
            if _contains(point, self._root):
                # If several are mounted at one place, the last one is visible.
                if len(point) >= len(deepest):
                    deepest, self._at_root = point, kind in _STORED
            elif _contains(self._root, point):
                self._below.append((point, kind in _STORED))
        self._below.sort(key=lambda mount: len(mount[0]))

    def stored(self, folder: str) -> bool:
        """Whether a folder, relative to the root ("" is the root), is on a file system that stores ctimes."""
        if not self._below:
            return self._at_root
        path = f"{self._root.rstrip('/')}/{folder}" if folder else self._root
        found = self._at_root
        for point, stored in self._below:
            if _contains(point, path):
                found = stored
        return found


def _contains(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def mounts(table: Path = MOUNTS) -> list[tuple[str, str]]:
    """Mount points and file system types, as this process sees them."""
    try:
        lines = os.fsdecode(table.read_bytes()).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, _, after = line.partition(" - ")
        if len(fields := before.split(" ")) > 4 and after:
            found.append((_unescape(fields[4]), after.split(" ")[0]))
    return found


def _unescape(field: str) -> str:
    """Decode the octal escapes of spaces and the like."""
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), os.fsencode(field))
    return os.fsdecode(raw)
