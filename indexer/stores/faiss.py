"""Exact search in FAISS: fp16 vectors in one flat array, read or memory-mapped from the published file.

FAISS checks nothing that it reads, and adding to a mapped index kills the process: files are opened only after
their sha256 was checked, and never changed.
"""

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np

from indexer.errors import BrokenGeneration
from indexer.stores import Ids, Nearest
from model.modality import Vectors

KIND = "flat-fp16"
# Smaller files are read whole: one that is cut short in place would kill a process that has it mapped.
IN_MEMORY = 2**30


def build_flat(path: Path, dimension: int, batches: Iterable[tuple[Ids, Vectors]]) -> str:
    """Writes an exact index of these vectors. The ids live in the index itself, so they cannot slip."""
    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexIDMap(flat)
    for ids, vectors in batches:
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
    faiss.write_index(index, str(path))
    return KIND


class FaissStore:
    """A published file, open for searching."""

    kind = KIND

    def __init__(self, path: Path) -> None:
        try:
            mapped = path.stat().st_size > IN_MEMORY
            flags = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY if mapped else faiss.IO_FLAG_READ_ONLY
            index = faiss.read_index(str(path), flags)
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise BrokenGeneration(f"{path}: FAISS cannot read it ({reason})") from None
        if not isinstance(index, faiss.IndexIDMap):
            raise BrokenGeneration(f"{path}: holds an index without ids; run sketchseek index again")
        self._index = index
        self._ids: Ids = faiss.vector_to_array(index.id_map)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: Vectors, k: int) -> Nearest:
        k = min(k, len(self))
        if k < 1:
            return Nearest(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        scores, ids = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        return Nearest(ids, scores)

    def sample(self) -> tuple[int, Vectors] | None:
        if not len(self):
            return None
        middle = len(self) // 2
        return int(self._ids[middle]), np.asarray(self._index.index.reconstruct(middle), dtype=np.float32)[
            None
        ]
