"""The indexer's interface for searching: an open `Library`, and the `Shelf` it came from.

A shelf stores generations: it publishes them, knows the current one, and opens it. An index folder is a shelf
(`indexer.generations.shelf`). To store generations elsewhere, implement both protocols and add a line to SHELVES.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.address import Access
from indexer.errors import IndexProblem
from indexer.stores.placement import HOST, Placement
from indexer.values import Facets, Facts, Filter, Hit, Ids, Month, Nearest, PartRows, Photo, Refused, Traffic
from model.modality import Modality, Vectors
from model.registry import Registry, UnknownName

if TYPE_CHECKING:
    from indexer.collection import Collection
    from indexer.stores import OnStep


class Library(Protocol):
    """An open generation. It never changes, and searching it is thread-safe.

    All lookups raise BrokenGeneration if it was changed after opening. `refused` lists generations that should have
    been opened instead, but turned out to be damaged.
    """

    refused: tuple[Refused, ...]

    @property
    def manifest(self) -> Facts: ...

    @property
    def identity(self) -> str:
        """Unique to each publication, even if an index was deleted and created again."""
        ...

    @property
    def device(self) -> str:
        """What searches it: `cpu`, or a name starting with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def nearest(
        self,
        query: Vectors,
        k: int,
        *,
        where: Filter | None = None,
        min_score: float | None = None,
        fold_duplicates: bool = False,
        kinds: Mapping[Modality, float] | None = None,
    ) -> Nearest:
        """The k nearest photos to one semantic vector. Must be cheap: k may be many times the results of a page.

        There are fewer only if fewer match: filters apply before the search, not to its results. Of near-duplicates,
        `fold_duplicates` keeps only the best. With `kinds`, how much of the query is a sketch, words, or a photo,
        photos are ordered by corrected scores, if the generation has biases.
        """
        ...

    def hits(
        self, ids: Ids, scores: NDArray[np.float32], *, folded: bool = False, where: Filter | None = None
    ) -> list[Hit]:
        """The photos with these ids as results; if `folded`, with their near-duplicates that match the filter."""
        ...

    def count(self, where: Filter | None = None) -> int:
        """How many photos match a filter."""
        ...

    def roots(self) -> list[Path]:
        """The photo folders."""
        ...

    def photo(self, public_id: str) -> Photo | None:
        """The photo with an id from a search result; None for any other text."""
        ...

    def vector(self, public_id: str) -> Vectors | None:
        """The semantic vector of a photo, as one row; None if no photo has this id."""
        ...

    def vectors(self, ids: Ids) -> Vectors:
        """The semantic vectors of photos that were found, one row each."""
        ...

    def parts(self, ids: Ids, head: str) -> PartRows | None:
        """The local parts of photos; None if none are stored, or those of another local head.

        Reads each from disk: ask for no more than will be compared.
        """
        ...

    def duplicates(self, photo: Photo) -> list[Photo]:
        """All near-duplicates of a photo, including itself."""
        ...

    def timeline(self, where: Filter | None = None) -> list[Month]:
        """How many photos match in each month of their `moment`, newest first; those without one come last."""
        ...

    def listing(
        self, where: Filter | None = None, *, month: str | None = None, offset: int = 0, k: int = 100
    ) -> list[Photo]:
        """The photos that match, of one month or of all, newest first; photos of the same moment by path.

        Must be cheap at any offset: pages follow one another as somebody scrolls.
        """
        ...

    def facets(self, without: frozenset[str] = frozenset()) -> Facets:
        """The folders, cameras, and years of all photos but those with these contents."""
        ...

    @property
    def touched(self) -> bool:
        """Whether anything that searches read was written to."""
        ...

    def let_write(self) -> bool:
        """Release files that another process waits to write to; returns whether there were any."""
        ...

    def lost(self) -> str | None:
        """What is visibly missing or damaged, by a quick check; the library remains searchable."""
        ...

    def release(self) -> None:
        """Free its GPU memory; running searches finish on the host."""
        ...

    def close(self) -> None: ...


def search(
    library: Library,
    query: Vectors,
    k: int,
    *,
    offset: int = 0,
    where: Filter | None = None,
    min_score: float | None = None,
    fold_duplicates: bool = False,
) -> list[Hit]:
    """The k best photos for one semantic vector, best first, after skipping the first `offset`."""
    found = library.nearest(
        query, offset + k, where=where, min_score=min_score, fold_duplicates=fold_duplicates
    )
    return library.hits(found.ids[offset:], found.scores[offset:], folded=fold_duplicates, where=where)


class Shelf(Protocol):
    """A place that stores generations. Call methods that change it only inside `writing`.

    If it is on a server, all methods but `glance` raise StoreUnavailable if that does not answer.
    """

    @property
    def named(self) -> str:
        """The option that names it on the command line."""
        ...

    def within(self, folder: Path) -> bool:
        """Whether it is kept in this folder, so that who has locked that has locked the shelf."""
        ...

    def refuse(self, index_type: str | None, *, live: bool = False) -> None:
        """Raise IndexProblem if it has no such index type, or cannot be changed in place."""
        ...

    def is_new(self) -> bool:
        """Whether nothing has been published yet, and a first run may."""
        ...

    def traffic(self) -> Traffic | None:
        """What was asked of its server; None if it has none."""
        ...

    def current(self) -> str:
        """The generation to serve; raises NoIndex if there is none, BrokenGeneration if it cannot be determined."""
        ...

    def identity(self) -> str:
        """The identity of the library that `open` would open. Must be cheap: it is called every few seconds."""
        ...

    def glance(self) -> Hashable:
        """A value that stays equal while nothing seems to have changed, judging without reading files."""
        ...

    def held(self) -> str | None:
        """Why nothing newer is published; None if there was no rollback."""
        ...

    def generations(self) -> list[str]:
        """All published generations that still exist, newest first."""
        ...

    def manifest(self, name: str) -> Facts:
        """The metadata of a generation; raises BrokenGeneration if it is damaged."""
        ...

    def verify(self, name: str) -> list[str]:
        """Everything in a generation that differs from what was published, one line each."""
        ...

    def open(self, fingerprint: str, *, fall_back: bool = True, past_models: bool = False) -> Library:
        """Open the current generation after verifying it.

        If it is damaged, opens the newest intact one of the same model instead, with a warning, unless `fall_back` is
        false. With `past_models`, also does so if the current one is from another model.
        """
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Hold the write lock; raises IndexBusy if another process holds it."""
        ...

    def publish(
        self,
        collection: "Collection",
        *,
        index_type: str | None = None,
        live: bool | None = None,
        on_step: "OnStep | None" = None,
    ) -> Facts:
        """Publish the collection as the new current generation, atomically.

        A `live` one is changed in place instead, if it can be. Without `index_type` or `live`, keeps what the previous
        generation is.
        """
        ...

    def rollback(self) -> tuple[str, str]:
        """Go back to the newest intact generation before the current one, and hold it; returns old and new names."""
        ...

    def release(self) -> str:
        """End a rollback, so that the next run publishes again; returns the current generation."""
        ...

    def prune(self, keep: int = 2) -> list[str]:
        """Remove all but the newest `keep` generations, never the current one. Returns the removed names."""
        ...

    def remove(self, name: str) -> None:
        """Remove a generation that is not the current one."""
        ...


# Functions that open an address as a shelf, by URL scheme. Plain paths use "file".
SHELVES: Registry[Callable[[str, Placement, Access], Shelf]] = Registry(
    "kind of index address",
    {
        "file": "indexer.generations.shelf:folder_shelf",
        "milvus": "indexer.remote.milvus.shelf:milvus_shelf",
        "milvus+tls": "indexer.remote.milvus.shelf:milvus_shelf",
        "milvus+lite": "indexer.remote.milvus.shelf:milvus_shelf",
        "postgresql": "indexer.remote.postgres.shelf:postgres_shelf",
        "postgresql+tls": "indexer.remote.postgres.shelf:postgres_shelf",
    },
)
_EXTRAS = {"milvus": "cluster", "postgresql": "postgres"}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


def shelf(address: str | Path, placement: Placement = HOST, access: Access | None = None) -> Shelf:
    """The shelf at a path or a URL; `placement` says where its libraries are searched.

    `access` lets in to a server; by default, it comes from the environment.
    """
    found = _SCHEME.match(text := str(address))
    kind = found[1] if found else "file"
    try:
        return SHELVES.load(kind)(text, placement, access or Access.of())
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(kind.partition("+")[0], "cpu")
        raise IndexProblem(f"{kind}:// needs {error.name}: pip install 'sketchseek[{extra}]'") from None
    except UnknownName as error:
        # Do not quote the address: it may contain a password.
        raise IndexProblem(f"{error}; use a folder, or an address of one of these kinds") from None
