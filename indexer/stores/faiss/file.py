"""A FAISS file, open for searching: exact, with inverted lists, or with a neighbour graph; all store fp16.

FAISS does not validate what it reads, and adding to a mapped index crashes the process: files are opened only after
their sha256 was checked, and never modified. The outermost index maps rows to ids, so they cannot get out of step.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import BrokenGeneration
from indexer.stores import Ids, Nearest, Rows, filtered
from indexer.stores.faiss import EXACT
from indexer.stores.faiss.lease import Lease
from indexer.stores.faiss.tuning import TUNED_AT
from indexer.stores.halves import to_float32
from model.modality import Vectors

# Smaller files are read into memory: truncating a mapped file in place would kill the process.
IN_MEMORY = 2**29
# Up to this many rows, comparing them directly is faster than any index.
FEW = 2048
# Below this share of selected rows, graph search works badly.
_SPARSE = 0.1
_KINDS = {
    faiss.IndexScalarQuantizer: EXACT,
    faiss.IndexIVFScalarQuantizer: "ivf-fp16",
    faiss.IndexHNSWSQ: "hnsw-fp16",
}


class FaissFile:
    """Rows are numbered in the order they were added; `effort` is nprobe or efSearch."""

    device = "cpu"

    def __init__(self, path: Path, effort: int = 0, *, in_memory: int | None = None) -> None:
        try:
            mapped = is_mapped(path, in_memory)
            self._lease = Lease.take(path) if mapped else None
            flags = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY if mapped else faiss.IO_FLAG_READ_ONLY
            outer = faiss.read_index(str(path), flags)
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise BrokenGeneration(
                f"{path}: not readable by FAISS ({reason}); run sketchseek index again"
            ) from None
        if not isinstance(outer, faiss.IndexIDMap):
            raise BrokenGeneration(f"{path}: the index has no ids; run sketchseek index again")
        # The outer index owns the inner one, so keep both alive.
        self._outer, self._index = outer, faiss.downcast_index(outer.index)
        if type(self._index) not in _KINDS:
            raise BrokenGeneration(f"{path}: not an index of a known kind; run sketchseek index again")
        self.path = path
        self.kind = _KINDS[type(self._index)]
        self.dimension = int(self._index.d)
        self.effort = max(1, effort)
        self.ids: Ids = faiss.vector_to_array(outer.id_map)
        self._order = np.argsort(self.ids)
        self._codes = _codes(self._index) if self.kind == EXACT else None
        if isinstance(self._index, faiss.IndexIVF):
            self._index.make_direct_map(True)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def wanted(self) -> bool:
        """Whether another process waits to write to this mapped file."""
        return self._lease is not None and self._lease.wanted

    def locate(self, ids: Ids) -> Ids:
        """The row of each id, -1 for unknown ones."""
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int64)
        places = np.searchsorted(self.ids, ids, sorter=self._order)
        rows = self._order[np.minimum(places, len(self) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1)

    def find(self, ids: Ids) -> Ids:
        """The rows of the ids that exist here."""
        rows = self.locate(ids)
        return rows[rows >= 0]

    def rows(self, numbers: Ids) -> Vectors:
        if not len(numbers):
            return np.empty((0, self.dimension), dtype=np.float32)
        if self._codes is not None:
            return to_float32(self._codes[numbers])
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(numbers)), dtype=np.float32)

    def search(self, queries: Vectors, k: int, among: Rows | None = None) -> Nearest:
        """The k nearest ids, or all if there are fewer."""
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
        """Do nothing: it uses no GPU memory."""

    def _compare(self, queries: Vectors, k: int, among: Rows) -> tuple[Ids, Vectors]:
        # Vectors with NaN get NaN scores; the caller drops them.
        with np.errstate(invalid="ignore", over="ignore"):
            scores = queries @ self.rows(among.numbers).T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return among.numbers[best], np.take_along_axis(scores, best, axis=1)

    def _ask(self, queries: Vectors, k: int, among: Rows | None, *, exhaustive: bool) -> tuple[Ids, Vectors]:
        share = 1.0 if among is None else len(among) / len(self)
        selector = None if among is None else faiss.IDSelectorBitmap(among.bits)
        index = self._index
        if isinstance(index, faiss.IndexIVF):
            # With a narrow filter, search more lists, to compare as many rows as without one.
            lists = index.nlist if exhaustive else min(index.nlist, int(self.effort / share) + 1)
            parameters = faiss.SearchParametersIVF(nprobe=lists, sel=selector)
        elif isinstance(index, faiss.IndexHNSW) and not exhaustive and share >= _SPARSE:
            parameters = faiss.SearchParametersHNSW(
                efSearch=int(max(self.effort, 2 * max(k, TUNED_AT)) / share), sel=selector
            )
        else:
            # The graph stores its vectors in a flat index.
            index = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
            parameters = None if selector is None else faiss.SearchParameters(sel=selector)
        with threads_for(len(queries)):
            scores, rows = index.search(queries, k, params=parameters)
        # Some FAISS indexes silently ignore the selector.
        return (rows, scores) if among is None else filtered(rows, scores, among)


def _codes(index: faiss.IndexScalarQuantizer) -> NDArray[np.float16] | None:
    """The vectors of a flat index where they are, mapped or in memory: FAISS takes much longer to decode them."""
    if index.sq.qtype != faiss.ScalarQuantizer.QT_fp16 or not index.ntotal:
        return None
    # Bytes of the index, which must outlive them.
    raw: NDArray[np.uint8] = faiss.rev_swig_ptr(index.codes.data(), index.codes.size())
    return raw.view(np.float16).reshape(index.ntotal, index.d)


def is_mapped(path: Path, in_memory: int | None = None) -> bool:
    """Whether the file is memory-mapped rather than read on opening."""
    return path.is_file() and path.stat().st_size > (IN_MEMORY if in_memory is None else in_memory)


@contextmanager
def threads_for(queries: int) -> Iterator[None]:
    """Use at most one thread per query: more would only spin on cores that others need.

    The setting applies to the calling thread only.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(min(before, queries))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
