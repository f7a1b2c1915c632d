"""The values that a `Library` takes and gives: photos, filters, results, and what can be said of a whole collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Photo:
    """A photo found by a search. Its id does not reveal its path.

    `taken` is the camera's local time in ISO 8601; `moment` the same or else, where known, that of the file's last
    change; `colour` the dominant one, 0xRRGGBB. `duplicate_of` is the id of the leader of its group of near-duplicates;
    None for the leader itself, and for photos without near-duplicates.
    """

    id: int
    root: str
    relative: str
    content: str
    width: int
    height: int
    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    colour: int | None = None
    moment: str | None = None
    duplicate_of: int | None = None

    @property
    def public_id(self) -> str:
        return f"{self.id:016x}"

    @property
    def path(self) -> Path:
        return Path(self.root) / self.relative

    @property
    def group(self) -> int:
        """An id shared by all near-duplicates, and by no other photo."""
        return self.id if self.duplicate_of is None else self.duplicate_of

    @property
    def originality(self) -> tuple[int, bool]:
        """Orders near-duplicates, the original first: copies are smaller, or lost what the camera wrote."""
        return (-self.width * self.height, self.taken is None)


def original(alike: Sequence[Photo], best: Photo) -> Photo:
    """The one of near-duplicates to show; of those that seem as original, the best or the oldest exact copy of it."""

    def standing(photo: Photo) -> tuple[object, ...]:
        is_other = photo.content != best.content
        return (*photo.originality, is_other, photo.moment or "9", photo.relative, photo.root)

    return min(alike, key=standing, default=best)


@dataclass(frozen=True)
class Filter:
    """Which photos to search. Photos without a date or camera match no filter on these.

    `folder` is a path below a photo folder, or an absolute one; in either Unicode form, and with backslashes as
    separators or in names. `after` is inclusive and `before` exclusive; both are prefixes of an ISO 8601 local time,
    such as 2024 or 2024-07-01T18. A camera matches by its whole name, or else by any part of it; case and Unicode form
    do not matter. `only` and `without` are contents: photos with one of these, or with none of them.
    """

    folder: str | None = None
    after: str | None = None
    before: str | None = None
    camera: str | None = None
    # Not shown: they may be thousands.
    only: frozenset[str] | None = field(default=None, repr=False)
    without: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class Hit:
    """A search result. `duplicates` are the public ids of its near-duplicates that match the same filter and are folded
    under it; they do not depend on how many results were requested."""

    photo: Photo
    score: float
    duplicates: tuple[str, ...] = ()

    @property
    def folded(self) -> int:
        return len(self.duplicates)


@dataclass(frozen=True)
class Nearest:
    """The photos nearest to a query, best first, each row of the arrays for one photo.

    They are ordered by `corrected`: their scores minus what is in them for any query (see `model.bank`).
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    corrected: NDArray[np.float32]
    # The vectors of the photos, if the search has read them anyway.
    vectors: Vectors | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, which: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Nearest":
        vectors = None if self.vectors is None else self.vectors[which]
        return Nearest(self.ids[which], self.scores[which], self.corrected[which], vectors)


@dataclass(frozen=True)
class PartRows:
    """The packed local parts of photos (see `model.local`), a row each; those of photos not `present` mean nothing."""

    rows: NDArray[np.uint8]
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class Traffic:
    """Calls to a server so far, those that failed, the seconds they took, and whether calls now fail at once."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    open: bool = False


@dataclass(frozen=True)
class Refused:
    """A generation that could not be served, and why."""

    generation: str
    reason: str


class Facts(Protocol):
    """Metadata of a generation."""

    @property
    def generation(self) -> str: ...
    @property
    def created(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def store(self) -> str: ...
    @property
    def photos(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def index_type(self) -> str: ...
    @property
    def recall(self) -> float: ...
    @property
    def bank(self) -> str:
        """The bank of the biases that it stores; empty if it stores none."""
        ...

    @property
    def parts(self) -> str:
        """The local head of the parts that it stores; empty if it stores none."""
        ...

    @property
    def part_photos(self) -> int:
        """How many photos have parts."""
        ...

    @property
    def live(self) -> bool:
        """Whether later publications change it, instead of making another generation."""
        ...


@dataclass(frozen=True)
class Month:
    """How many photos are of a month, such as 2024-07; "" for those without a date."""

    month: str
    photos: int


@dataclass(frozen=True)
class Facets:
    """What a collection can be narrowed to, each with its number of photos.

    `folders` are relative to their photo folder, and count what lies below them; `years` are those of `taken`.
    """

    folders: Mapping[str, int] = field(default_factory=dict)
    cameras: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[str, int] = field(default_factory=dict)
