"""The default store: FAISS files in the generation's folder, searched on the host or on a GPU.

FAISS is imported when the first file is built or opened, so that listing the stores costs nothing.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from indexer.errors import BrokenGeneration, IndexProblem
from indexer.stores import Ids, OnStep, Source, Store
from indexer.stores.backend import Before, Built
from indexer.stores.faiss import CODED, CODES, FRESH, INDEX_TYPES, KINDS, MAIN, IndexType, kind_of
from indexer.stores.placement import HOST, Placement

if TYPE_CHECKING:
    from indexer.stores.faiss.layers import Opener


class FaissBackend:
    """`opener`, if given, opens files instead of the placement's."""

    types: tuple[str, ...] = INDEX_TYPES
    kinds = KINDS
    files = frozenset({MAIN})

    def __init__(self, placement: Placement = HOST, opener: "Opener | None" = None) -> None:
        self._placement, self._given = placement, opener

    def kind(self, index_type: str, count: int) -> str:
        return kind_of(cast(IndexType, index_type), count)

    def build(self, folder: Path, source: Source, index_type: str, on_step: OnStep | None = None) -> Built:
        from indexer.stores.faiss.build import build

        try:
            return build(folder / MAIN, source, cast(IndexType, index_type), on_step)
        except RuntimeError as error:
            raise _cannot_write(folder, error) from None

    def extend(
        self, folder: Path, before: Before, source: Source, ids: Ids, unchanged: Ids, index_type: str
    ) -> Built | None:
        from indexer.stores.faiss.extend import extend

        try:
            return extend(folder, before, source, ids, unchanged, cast(IndexType, index_type))
        except RuntimeError as error:
            raise _cannot_write(folder, error) from None

    def open(self, folder: Path, built: Built) -> Store:
        from indexer.stores.faiss.layers import LayeredStore

        if built.kind in CODED and not (folder / CODES).exists():
            raise BrokenGeneration(f"{folder / CODES}: missing; run sketchseek index again")
        return LayeredStore.open(folder, built.effort, self._opener)

    def read_later(self, folder: Path) -> list[Path]:
        from indexer.stores.faiss.file import is_mapped

        return [path for name in (MAIN, FRESH) if is_mapped(path := folder / name)]

    @cached_property
    def _opener(self) -> "Opener":
        from indexer.stores.gpu.opener import opener

        return self._given or opener(
            self._placement.device, self._placement.gpu_index, self._placement.memory
        )


def _cannot_write(folder: Path, error: RuntimeError) -> IndexProblem:
    """FAISS raises RuntimeError when the disk is full."""
    reason = str(error).splitlines()[0]
    return IndexProblem(f"{folder}: cannot write ({reason}); free some space and run the same command again")
