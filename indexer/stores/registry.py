"""Which stores there are, and how they are named: `STORE:KIND`, where that of the default store is its kind alone.

So names of index types (`--index-type`) and what a manifest keeps are written alike, and as they always were.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from indexer.errors import BrokenGeneration, IndexProblem
from indexer.stores import Store
from indexer.stores.backend import Backend, Built
from indexer.stores.placement import HOST, Placement
from model.registry import Registry

STORES: Registry[Callable[[Placement], Backend]] = Registry(
    "store",
    {
        "faiss": "indexer.stores.embedded:FaissBackend",
    },
)
DEFAULT = "faiss"


class Stores:
    """Builds and opens stores of all kinds in one place: those that lie on one GPU have to know of one another."""

    def __init__(self, placement: Placement = HOST, backends: Mapping[str, Backend] | None = None) -> None:
        self._placement = placement
        self._backends = dict(backends or {})

    def __getitem__(self, name: str) -> Backend:
        if name not in self._backends:
            self._backends[name] = STORES.load(name)(self._placement)
        return self._backends[name]

    def of(self, store: str, where: object) -> tuple[Backend, str]:
        """The backend and the kind that `where`, say a manifest, keeps as its `store`; raises BrokenGeneration."""
        name, kind = split(store)
        if name not in STORES or kind not in self[name].kinds:
            raise BrokenGeneration(
                f"{where}: unknown store {store!r}; known: {', '.join(self._kinds())}; run sketchseek index again"
            )
        return self[name], kind

    def open(self, folder: Path, store: str, effort: int) -> Store:
        backend, kind = self.of(store, folder)
        return backend.open(folder, Built(kind, effort))

    def _kinds(self) -> Iterable[str]:
        return (spelled(name, kind) for name in STORES for kind in self[name].kinds)


def split(text: str) -> tuple[str, str]:
    """The store, and which of its types or kinds; the store's own default where none is named."""
    name, colon, rest = text.partition(":")
    if colon:
        return name, rest
    return (text, "") if text in STORES else (DEFAULT, text)


def spelled(name: str, kind: str) -> str:
    return kind if name == DEFAULT else f"{name}:{kind}"


def index_types() -> tuple[str, ...]:
    """All that may be asked for: those of the default store, then the others with the name of their store."""
    found: list[str] = []
    stores = Stores()
    for name in STORES:
        first, *others = stores[name].types
        found += [first if name == DEFAULT else name, *(spelled(name, other) for other in others)]
    return tuple(found)


def asked(index_type: str) -> tuple[str, str]:
    """The store that an index type belongs to, and its own name for it; raises IndexProblem."""
    name, own = split(index_type)
    types = Stores()[name].types if name in STORES else ()
    if own not in types and not (types and index_type == name):
        raise IndexProblem(
            f"unknown index type {index_type!r}; known: {', '.join(index_types())}; choose one with --index-type"
        )
    return name, own or types[0]
