"""Records of the catalogue: known files, photo folders, photos to publish, and locations of vectors."""

from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.folders.scan import Found, ScanRules


class Known(NamedTuple):
    """What the catalogue knows about a file. There may be millions."""

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
        """Whether there is nothing to do: same file, embedded or unusable, and checked by the current decoder."""
        return self.up_to_date and self.same_file(found) and (self.embedded or self.error is not None)


@dataclass(frozen=True)
class Root:
    """What the catalogue knows about a photo folder: its scan rules, and the file systems it was on."""

    rules: ScanRules = field(default_factory=ScanRules)
    device: int | None = None
    mounts: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A photo that belongs in the index, and where its vector is stored. There may be millions."""

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
    colour: int | None
    moment: str | None
    shard: int
    row: int


# The columns of `contents` in an entry; older catalogues lack some.
DESCRIBED = (
    "taken",
    "camera",
    "latitude",
    "longitude",
    "colour",
)


class Place(NamedTuple):
    """Where the vector of a content is stored; `checksum` is None if an older version wrote the row."""

    content: str
    shard: int
    row: int
    checksum: int | None
