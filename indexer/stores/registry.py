"""The available stores and their names: `STORE:KIND`, or just `KIND` for the default store.

Index types (`--index-type`) and the `store` of a manifest use the same notation, compatible with older versions.
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
    """Builds and opens all kinds of store. One instance does it all, because stores on one GPU share its memory."""

    def __init__(self, placement: Placement = HOST, backends: Mapping[str, Backend] | None = None) -> None:
        self._placement = placement
        self._backends = dict(backends or {})

    def __getitem__(self, name: str) -> Backend:
        if name not in self._backends:
            self._backends[name] = STORES.load(name)(self._placement)
        return self._backends[name]

    def of(self, store: str, where: object) -> tuple[Backend, str]:
        """The backend and kind for the `store` recorded in `where`, such as a manifest; raises BrokenGeneration."""
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
    """Split into store and type or kind; the latter is empty for the store's default."""
    name, colon, rest = text.partition(":")
    if colon:
        return name, rest
    return (text, "") if text in STORES else (DEFAULT, text)


def spelled(name: str, kind: str) -> str:
    return kind if name == DEFAULT else f"{name}:{kind}"


def renewal(index_type: str, store: str, count: int) -> str | None:
    """The kind that a new index of this type would have, if it is not the one that is there."""
    name, _ = split(store)
    try:
        wanted, own = asked(index_type)
    except IndexProblem:
        return None
    kind = spelled(wanted, Stores()[wanted].kind(own, count))
    return kind if wanted == name and kind != store else None


def index_types() -> tuple[str, ...]:
    """All index types: those of the default store, then the others, prefixed with their store."""
    found: list[str] = []
    stores = Stores()
    for name in STORES:
        first, *others = stores[name].types
        found += [first if name == DEFAULT else name, *(spelled(name, other) for other in others)]
    return tuple(found)


def asked(index_type: str) -> tuple[str, str]:
    """The store of an index type, and the store's own name for it; raises IndexProblem if unknown."""
    name, own = split(index_type)
    types = Stores()[name].types if name in STORES else ()
    if own not in types and not (types and index_type == name):
        raise IndexProblem(
            f"unknown index type {index_type!r}; known: {', '.join(index_types())}; choose one with --index-type"
        )
    return name, own or types[0]
