"""What the catalogue tells of: files it has seen, folders it has scanned, and photos that belong into the index."""

from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.folders.scan import Found, ScanRules


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue remembers of a file."""

    id: int
    size: int
    mtime_ns: int
    ctime_ns: int | None
    error: str | None
    embedded: bool
    up_to_date: bool

    def same_file(self, found: Found) -> bool:
        if (self.size, self.mtime_ns) != (found.size, found.mtime_ns):
            return False
        return self.ctime_ns == found.ctime_ns or None in (self.ctime_ns, found.ctime_ns)

    def unchanged(self, found: Found) -> bool:
        """Nothing to do: same file as before, embedded or known to be unusable, by what we know to read today."""
        return self.up_to_date and self.same_file(found) and (self.embedded or self.error is not None)


@dataclass(frozen=True)
class Root:
    """What the catalogue remembers of a photo folder: how to scan it, and which file systems it lay on."""

    rules: ScanRules = field(default_factory=ScanRules)
    device: int | None = None
    mounts: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A photo that belongs into the index, as its list holds it, and where its vector lies. There may be millions."""

    id: int
    root: str
    relative: str
    content: str
    width: int
    height: int
    taken: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    shard: int
    row: int


class Place(NamedTuple):
    """Where the vector of a content lies; `checksum` is None where a version of old wrote the row."""

    content: str
    shard: int
    row: int
    checksum: int | None
