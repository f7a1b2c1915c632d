"""An index folder as a shelf: generations in `generations/`, and the file `CURRENT`."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from indexer.address import Access
from indexer.disk import files_below
from indexer.errors import IndexProblem
from indexer.generations import generation, manifest
from indexer.generations.manifest import Manifest
from indexer.generations.reader import Published
from indexer.locking.lock import writing
from indexer.locking.opening import plainly
from indexer.locking.ownership import is_ours
from indexer.stores import OnStep
from indexer.stores.placement import Placement
from indexer.stores.registry import Stores, asked

if TYPE_CHECKING:
    from indexer.collection import Collection


class FolderShelf:
    """See `indexer.library.Shelf`."""

    def __init__(self, index: Path, stores: Stores | None = None) -> None:
        self.index = index
        self.named = f"--index {index}"
        self._stores = stores or Stores()

    def within(self, folder: Path) -> bool:
        return self.index.resolve() == folder.resolve()

    def refuse(self, index_type: str | None, *, live: bool = False) -> None:
        if index_type is not None:
            asked(index_type)
        if live:
            raise IndexProblem(
                f"{self.index}: --live is for a library on a server; add --store, or leave out --live: a generation in "
                "a folder takes over what has not changed"
            )

    def is_new(self) -> bool:
        return is_new(self.index)

    def traffic(self) -> None:
        return None

    def current(self) -> str:
        return generation.current(self.index).name

    def identity(self) -> str:
        return manifest.identity(generation.current(self.index))

    def glance(self) -> Hashable:
        files = [*files_below(self.index / "generations")]
        with suppress(OSError):
            files.append((self.index / "CURRENT", (self.index / "CURRENT").stat()))
        found = [(str(path), each.st_ino, each.st_size, each.st_mtime_ns) for path, each in files]
        return tuple(sorted(found))

    def held(self) -> str | None:
        return generation.held(self.index)

    def generations(self) -> list[str]:
        return [folder.name for folder in generation.generations(self.index)]

    def manifest(self, name: str) -> Manifest:
        return manifest.read_manifest(self._folder(name))

    def verify(self, name: str) -> list[str]:
        return manifest.damage(self._folder(name))

    def open(self, fingerprint: str, *, fall_back: bool = True, past_models: bool = False) -> Published:
        return Published.open(
            self.index, fingerprint, fall_back=fall_back, past_models=past_models, stores=self._stores
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        with plainly(self.index), writing(self.index):
            yield

    def publish(
        self,
        collection: "Collection",
        *,
        index_type: str | None = None,
        live: bool | None = None,
        on_step: OnStep | None = None,
    ) -> Manifest:
        # Imported late: a service never publishes.
        from indexer.generations import writer

        return writer.publish(self.index, collection, index_type=index_type, on_step=on_step)

    def rollback(self) -> tuple[str, str]:
        return generation.rollback(self.index)

    def release(self) -> str:
        return generation.release(self.index)

    def prune(self, keep: int = 2) -> list[str]:
        return generation.prune(self.index, keep)

    def remove(self, name: str) -> None:
        generation.remove(self._folder(name))

    def _folder(self, name: str) -> Path:
        return self.index / "generations" / name


def folder_shelf(address: str, placement: Placement, _: Access) -> FolderShelf:
    """The shelf at a path or a file:// URL."""
    path = unquote(urlsplit(address).path) if address.startswith("file://") else address
    return FolderShelf(Path(path), Stores(placement))


def is_new(index: Path) -> bool:
    """Whether nothing has been published here yet, and a first run may: the folder is missing, empty, or unfinished.

    Anything else that cannot be served (a part of a library, a lost CURRENT, other files) is an error to report.
    """
    try:
        if not index.exists():
            return True
        unpublished = not (index / "CURRENT").exists() and not (index / generation.PART).exists()
        return unpublished and not generation.generations(index) and is_ours(index)
    except OSError:
        return False
