"""Write a file of exact fp16 vectors as FAISS does, but a batch at a time: FAISS would hold all of them first.

The file begins with two headers, of the map of ids and of the vectors, in which only the number of rows depends on
what follows: all codes, and then all ids. Both headers are taken from an index of one row that FAISS wrote.
"""

from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np

from indexer.stores import OnStep, Source

_COUNT = np.dtype("<u8")
# Behind the name of its type and the dimension.
_TOTAL_AT = 8
# What the index of one row has behind the headers but for its code: two counts, and an id.
_REST = 3 * _COUNT.itemsize


def write_flat(path: Path, source: Source, tell: OnStep) -> None:
    """Write the vectors of a source, by id."""
    codec: Any = faiss.IndexScalarQuantizer(
        source.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    with path.open("wb") as file:
        file.write(_headers(codec, source.count))
        _write_count(file, source.count * codec.code_size)
        ids, done = np.empty(source.count, dtype=np.int64), 0
        for part, vectors in source.batches():
            ids[done : done + len(part)] = part
            file.write(codec.sa_encode(np.ascontiguousarray(vectors, dtype=np.float32)).data)
            done += len(part)
            tell("indexing", done, source.count)
        if done != source.count:
            raise ValueError(f"expected {source.count} vectors, got {done}")
        _write_count(file, done)
        file.write(ids.astype("<i8", copy=False).data)


def _headers(codec: Any, count: int) -> bytes:
    inner = faiss.clone_index(codec)
    index: Any = faiss.IndexIDMap(inner)
    index.add_with_ids(np.zeros((1, inner.d), dtype=np.float32), np.zeros(1, dtype=np.int64))
    data = bytearray(faiss.serialize_index(index).tobytes())
    del data[len(data) - _REST - inner.code_size :]
    second = data.rindex(faiss.serialize_index(inner).tobytes()[: _TOTAL_AT + _COUNT.itemsize])
    for start in (0, second):
        at = start + _TOTAL_AT
        data[at : at + _COUNT.itemsize] = np.array(count, dtype=_COUNT).tobytes()
    return bytes(data)


def _write_count(file: BinaryIO, count: int) -> None:
    file.write(np.array(count, dtype=_COUNT).tobytes())
