"""One FAISS file, open for searching: exact, by inverted lists, or by a graph of neighbours; all hold fp16.

FAISS checks nothing that it reads, and adding to a mapped index kills the process: files are opened only after
their sha256 was checked, and never changed. The outermost index maps rows to ids, so that they cannot slip.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np

from indexer.errors import BrokenGeneration
from indexer.stores import Ids, Nearest, Rows, sifted
from indexer.stores.faiss import EXACT
from indexer.stores.faiss.lease import Lease
from model.modality import Vectors

# Smaller files are read whole: one that is cut short in place would kill a process that has it mapped.
IN_MEMORY = 2**29
# So few rows are quicker fetched and compared one by one than found by any index.
FEW = 2048
# So many results are asked for when it is measured how hard to search. Fewer are not found by searching less.
TUNED_AT = 10
# A graph finds its way badly where most of what it meets does not count.
_SPARSE = 0.1
_KINDS = {
    faiss.IndexScalarQuantizer: EXACT,
    faiss.IndexIVFScalarQuantizer: "ivf-fp16",
    faiss.IndexHNSWSQ: "hnsw-fp16",
}


class FaissFile:
    """Its rows are numbered in the order in which they were added; `effort` is nprobe or efSearch."""

    device = "cpu"

    def __init__(self, path: Path, effort: int = 0, *, in_memory: int | None = None) -> None:
        try:
            mapped = is_mapped(path, in_memory)
            self._lease = Lease.take(path) if mapped else None
            flags = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY if mapped else faiss.IO_FLAG_READ_ONLY
            outer = faiss.read_index(str(path), flags)
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise BrokenGeneration(f"{path}: FAISS cannot read it ({reason})") from None
        if not isinstance(outer, faiss.IndexIDMap):
            raise BrokenGeneration(f"{path}: holds an index without ids; run sketchseek index again")
        # The outer index owns the inner one, so it has to live as long.
        self._outer, self._index = outer, faiss.downcast_index(outer.index)
        if type(self._index) not in _KINDS:
            raise BrokenGeneration(f"{path}: holds no index of ours; run sketchseek index again")
        self.path = path
        self.kind = _KINDS[type(self._index)]
        self.dimension = int(self._index.d)
        self.effort = max(1, effort)
        self.ids: Ids = faiss.vector_to_array(outer.id_map)
        self._order = np.argsort(self.ids)
        if isinstance(self._index, faiss.IndexIVF):
            self._index.make_direct_map(True)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def wanted(self) -> bool:
        """Whether somebody waits to write into the file, which is mapped."""
        return self._lease is not None and self._lease.wanted

    def locate(self, ids: Ids) -> Ids:
        """The row of each id, -1 for those that are not here."""
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int64)
        places = np.searchsorted(self.ids, ids, sorter=self._order)
        rows = self._order[np.minimum(places, len(self) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1)

    def find(self, ids: Ids) -> Ids:
        """The rows of those ids that are here."""
        rows = self.locate(ids)
        return rows[rows >= 0]

    def rows(self, numbers: Ids) -> Vectors:
        if not len(numbers):
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(numbers)), dtype=np.float32)

    def search(self, queries: Vectors, k: int, among: Rows | None = None) -> Nearest:
        """The nearest ids, all of them where there are fewer than k."""
        k = min(k, len(self) if among is None else len(among))
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if k < 1:
            return Nearest(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        if among is not None and len(among) <= FEW:
            rows, scores = self._compare(queries, k, among)
        else:
            rows, scores = self._ask(queries, k, among, exhaustive=False)
            if (rows < 0).any():
                rows, scores = self._ask(queries, k, among, exhaustive=True)
        return Nearest(np.where(rows < 0, -1, self.ids[rows]), scores)

    def release(self) -> None:
        """Holds nothing of a card."""

    def _compare(self, queries: Vectors, k: int, among: Rows) -> tuple[Ids, Vectors]:
        # What a vector with a number that is none scores is none, too; whoever asked leaves it out.
        with np.errstate(invalid="ignore", over="ignore"):
            scores = queries @ self.rows(among.numbers).T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return among.numbers[best], np.take_along_axis(scores, best, axis=1)

    def _ask(self, queries: Vectors, k: int, among: Rows | None, *, exhaustive: bool) -> tuple[Ids, Vectors]:
        share = 1.0 if among is None else len(among) / len(self)
        selector = None if among is None else faiss.IDSelectorBitmap(among.bits)
        index = self._index
        if isinstance(index, faiss.IndexIVF):
            # Where few rows count, as many of them are looked at as without a filter.
            lists = index.nlist if exhaustive else min(index.nlist, int(self.effort / share) + 1)
            parameters = faiss.SearchParametersIVF(nprobe=lists, sel=selector)
        elif isinstance(index, faiss.IndexHNSW) and not exhaustive and share >= _SPARSE:
            parameters = faiss.SearchParametersHNSW(
                efSearch=int(max(self.effort, 2 * max(k, TUNED_AT)) / share), sel=selector
            )
        else:
            # A graph's own vectors are a flat index.
            index = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
            parameters = None if selector is None else faiss.SearchParameters(sel=selector)
        with _threads_for(len(queries)):
            scores, rows = index.search(queries, k, params=parameters)
        # Not every index of FAISS supports a selector, and those that do not say nothing.
        return (rows, scores) if among is None else sifted(rows, scores, among)


def is_mapped(path: Path, in_memory: int | None = None) -> bool:
    """Whether the file is read only as it is searched."""
    return path.is_file() and path.stat().st_size > (IN_MEMORY if in_memory is None else in_memory)


@contextmanager
def _threads_for(queries: int) -> Iterator[None]:
    """A query is the work of one thread: more of them would only spin beside it, on cores that others need.

    The number is the calling thread's own.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(min(before, queries))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
