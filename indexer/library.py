"""What searches photos, as everybody outside of the indexer sees it: an open `Library`, and the `Shelf` it came from.

A shelf keeps generations: it publishes them, says which one serves, and opens it. The folder of an index is one
(`indexer.generations.shelf`); what keeps them elsewhere is one more line in SHELVES and implements both protocols.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexer.errors import IndexProblem
from indexer.stores.placement import HOST, Placement
from model.modality import Vectors
from model.registry import Registry, UnknownName

if TYPE_CHECKING:
    from indexer.collection import Collection
    from indexer.stores import OnStep


@dataclass(frozen=True)
class Photo:
    """A photo as a search finds it. Its id says nothing of where it lies.

    `taken` is the camera's local time in ISO 8601. `duplicate_of` is the id of the photo that stands for its
    group of near-duplicates; None for that photo itself, and for one that is alone.
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
    duplicate_of: int | None = None

    @property
    def public_id(self) -> str:
        return f"{self.id:016x}"

    @property
    def path(self) -> Path:
        return Path(self.root) / self.relative

    @property
    def group(self) -> int:
        """The same for all near-duplicates of one another, and for nothing else."""
        return self.id if self.duplicate_of is None else self.duplicate_of


@dataclass(frozen=True)
class Filter:
    """Which photos may be found. Photos whose file does not say when or with what they were taken match no such wish.

    `folder` is a path below a photo folder, or an absolute one; in either form of Unicode, and with backslashes
    between folders or within names. `after` is inclusive and `before` exclusive, both the beginning of an ISO 8601
    local time, such as 2024 or 2024-07-01T18. Cameras match in any case.
    """

    folder: str | None = None
    after: str | None = None
    before: str | None = None
    camera: str | None = None


@dataclass(frozen=True)
class Hit:
    """A photo that a search found. `duplicates` are the public ids of its near-duplicates that pass the same filter
    and are folded under it; they do not depend on how many photos were asked for."""

    photo: Photo
    score: float
    duplicates: tuple[str, ...] = ()

    @property
    def folded(self) -> int:
        return len(self.duplicates)


@dataclass(frozen=True)
class Refused:
    """A generation that could not be served, and why."""

    generation: str
    reason: str


class Facts(Protocol):
    """What is written down of a generation."""

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


class Library(Protocol):
    """An open generation. Searching it from several threads is safe; it never changes.

    All that looks something up raises BrokenGeneration where it was changed under the reader. `refused` lists
    generations that should have been opened instead of this one, and turned out to be damaged.
    """

    refused: tuple[Refused, ...]

    @property
    def manifest(self) -> Facts: ...

    @property
    def identity(self) -> str:
        """Another one for each publication, also where an index was deleted and made again."""
        ...

    @property
    def device(self) -> str:
        """Where it is searched: `cpu`, or what begins with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def search(
        self,
        query: Vectors,
        k: int,
        *,
        offset: int = 0,
        where: Filter | None = None,
        min_score: float | None = None,
        fold_duplicates: bool = False,
    ) -> list[Hit]:
        """The k best photos for one semantic vector, best first, after leaving out the first `offset`.

        There are fewer only where fewer pass: a filter is applied before the search, not to its results.
        """
        ...

    def count(self, where: Filter | None = None) -> int:
        """How many photos pass a filter."""
        ...

    def roots(self) -> list[Path]:
        """The photo folders."""
        ...

    def photo(self, public_id: str) -> Photo | None:
        """The photo of an id that a search gave out; None for any other text."""
        ...

    def vector(self, public_id: str) -> Vectors | None:
        """The semantic vector of a photo, as one row; None where no photo has this id."""
        ...

    def vectors(self, photos: Sequence[Photo]) -> Vectors:
        """The semantic vectors of photos that a search found, a row for each."""
        ...

    def duplicates(self, photo: Photo) -> list[Photo]:
        """All near-duplicates of a photo, itself among them."""
        ...

    @property
    def touched(self) -> bool:
        """Whether somebody wrote into what is read while it is searched."""
        ...

    def let_write(self) -> bool:
        """Lets go of files that somebody waits to write into; whether that was so."""
        ...

    def lost(self) -> str | None:
        """What is no longer there as it was published, at a glance; it is searched all the same."""
        ...

    def release(self) -> None:
        """Gives back what it holds of a GPU; searches that are still under way end on the host."""
        ...

    def close(self) -> None: ...


class Shelf(Protocol):
    """Where generations live. Whatever changes it is called inside of `writing`."""

    def current(self) -> str:
        """The generation to serve; raises NoIndex where there is none, BrokenGeneration where nobody can tell."""
        ...

    def identity(self) -> str:
        """That of the library which `open` would open; as cheap as can be, for it is asked every few seconds."""
        ...

    def glance(self) -> Hashable:
        """Compares equal as long as nothing seems to have changed, as far as that shows without reading it."""
        ...

    def held(self) -> str | None:
        """Why nothing newer is published here; None where nobody rolled back."""
        ...

    def generations(self) -> list[str]:
        """All that were published and not removed since, the newest first."""
        ...

    def manifest(self, name: str) -> Facts:
        """What is written down of a generation; raises BrokenGeneration."""
        ...

    def verify(self, name: str) -> list[str]:
        """Everything in a generation that is not what was published, a line each."""
        ...

    def open(self, fingerprint: str, *, fall_back: bool = True, past_models: bool = False) -> Library:
        """Opens the current generation, once it is proven.

        Where it is damaged, the newest intact one of the same model is opened instead, with a warning, unless the
        caller would rather have the error; with `past_models` also where the current one is of another model.
        """
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Held for writing; raises IndexBusy where somebody else does."""
        ...

    def publish(
        self, collection: "Collection", *, index_type: str | None = None, on_step: "OnStep | None" = None
    ) -> Facts:
        """Makes a generation of the collection and lets it serve: all or nothing.

        Without an `index_type` that of the generation before is kept.
        """
        ...

    def rollback(self) -> tuple[str, str]:
        """Serves the newest intact generation before the current one, and holds it; returns old and new name."""
        ...

    def release(self) -> str:
        """Takes back that a generation is held: the next run publishes again."""
        ...

    def prune(self, keep: int = 2) -> list[str]:
        """Removes all but so many generations, the newest; never the one that serves. Returns their names."""
        ...

    def remove(self, name: str) -> None:
        """Removes a generation that does not serve any more."""
        ...


# What makes a shelf of an address, by its scheme. A path is the address of a folder.
SHELVES: Registry[Callable[[str, Placement], Shelf]] = Registry(
    "kind of index address",
    {
        "file": "indexer.generations.shelf:folder_shelf",
    },
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


def shelf(address: str | Path, placement: Placement = HOST) -> Shelf:
    """The shelf at a path or an address; `placement` says where its libraries are searched."""
    found = _SCHEME.match(text := str(address))
    try:
        return SHELVES.load(found[1] if found else "file")(text, placement)
    except UnknownName as error:
        # Not the whole address: it may hold a password.
        raise IndexProblem(f"{error}; give a folder, or an address of one of these") from None
