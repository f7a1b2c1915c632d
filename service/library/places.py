"""Where the page may look for photo folders: the user's home, mounted drives, and what the setting `places` adds."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.folders.filesystems import MOUNTS, mounts

_DRIVES = ("/media/", "/mnt/", "/run/media/", "/Volumes/")
# Kinds of file systems that hold people's files, and where the system's own ones are mounted.
_REAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "ntfs", "ntfs3", "fuseblk"}
    | {"vfat", "exfat", "hfsplus", "apfs", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs"}
)
_SYSTEM = re.compile(
    r"/(?:boot|dev|etc|nix|opt|proc|root|run|snap|sys|tmp|usr|var|efi|lib[^/]*|s?bin)(?:/|$)"
)
_PICTURES = re.compile(r'^XDG_PICTURES_DIR="(\$HOME/)?(.+)"$', re.MULTILINE)
_LARGEST = 2**16


@dataclass(frozen=True)
class Named:
    """A place to begin at."""

    name: str
    path: Path


class Places:
    """The places as they are now: drives come and go."""

    def __init__(self, more: Sequence[str] = (), home: Path | None = None, table: Path = MOUNTS) -> None:
        self._more = [Path(path).expanduser() for path in more]
        self._home = home or _home()
        self._table = table

    @property
    def pictures(self) -> Path | None:
        """The user's folder for pictures, if there is one."""
        if self._home is None:
            return None
        config = Path(os.environ.get("XDG_CONFIG_HOME") or self._home / ".config") / "user-dirs.dirs"
        named = self._home / "Pictures"
        try:
            with config.open(encoding="utf-8", errors="replace") as file:
                if found := _PICTURES.search(file.read(_LARGEST)):
                    named = self._home / found[2] if found[1] else Path(found[2])
        except OSError:
            pass
        return named if named.is_dir() and named != self._home and self.holds(named) else None

    def named(self) -> list[Named]:
        """All places, each once."""
        found = [Named("Home", self._home)] if self._home else []
        if pictures := self.pictures:
            found.append(Named("Pictures", pictures))
        found += [Named(path.name or str(path), path) for path in [*self._more, *self._drives()]]
        first: dict[Path, Named] = {}
        for place in found:
            if place.path.is_dir():
                first.setdefault(place.path, place)
        return list(first.values())

    def holds(self, path: Path) -> bool:
        """Whether a path, after all its links, lies in one of the places."""
        real = path.resolve()
        return any(real.is_relative_to(place.resolve()) for place in self._roots())

    def _roots(self) -> list[Path]:
        return [*([self._home] if self._home else []), *self._more, *self._drives()]

    def _drives(self) -> list[Path]:
        found = {Path(point) for point, kind in mounts(self._table) if _is_drive(point, kind)}
        # A drive that holds the home folder holds those of others, too.
        return sorted(path for path in found if self._home is None or not self._home.is_relative_to(path))


def _is_drive(point: str, kind: str) -> bool:
    if not point.isprintable() or (_SYSTEM.match(point) and not point.startswith(_DRIVES)):
        return False
    return point.startswith(_DRIVES) or (kind in _REAL and point != "/")


def _home() -> Path | None:
    """The home folder; None for an account that has none, or only the whole disk."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_dir() and home != Path(home.anchor) else None
