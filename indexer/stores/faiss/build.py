"""Build the files of a store from batches: choose their kind by size, train it, and tune its search effort.

Never holds all vectors as float32; holds them as fp16 only for graphs and inverted lists of vectors. The recall reached
on sample queries goes into the manifest.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np

from indexer.stores import OnStep, Source
from indexer.stores.backend import Built
from indexer.stores.faiss import CODED, EXACT, IndexType, kind_of
from indexer.stores.faiss.coding import build_codes
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.flat import write_flat
from indexer.stores.faiss.tuning import Sample, least

# What is asked of inverted lists and graphs.
RECALL = 0.99

_NEIGHBOURS = 32
_CANDIDATES = 80
_POINTS_PER_LIST = 64


def build(path: Path, source: Source, index_type: IndexType = "auto", on_step: OnStep | None = None) -> Built:
    """Write the file."""
    tell = on_step or (lambda *_: None)
    kind = kind_of(index_type, source.count)
    if kind == EXACT or kind in CODED:
        write_flat(path, source, tell)
        return Built(EXACT) if kind == EXACT else build_codes(path, source, kind, tell)
    inner = _empty(kind, source, tell)
    index = faiss.IndexIDMap(inner)
    done = 0
    for ids, vectors in source.batches():
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
        done += len(ids)
        tell("indexing", done, source.count)
    faiss.write_index(index, str(path))
    del index, inner
    return Built(kind, *_tune(path, source, tell))


def _empty(kind: str, source: Source, tell: OnStep) -> Any:
    dimension, metric = source.dimension, faiss.METRIC_INNER_PRODUCT
    half = faiss.ScalarQuantizer.QT_fp16
    if kind == "hnsw-fp16":
        graph = faiss.IndexHNSWSQ(dimension, half, _NEIGHBOURS, metric)
        graph.hnsw.efConstruction = _CANDIDATES
        return graph
    lists = int(min(2 * source.count**0.5, source.count / _POINTS_PER_LIST))
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, half, metric, False)
    # Transfer ownership of the quantizer from Python to the index.
    quantizer.this.disown()
    index.own_fields = True
    index.cp.spherical, index.cp.niter = True, 8
    points = source.sample(lists * _POINTS_PER_LIST)
    index.cp.min_points_per_centroid = 1
    tell("training", 0, len(points))
    index.train(points)
    tell("training", len(points), len(points))
    return index


def _tune(path: Path, source: Source, tell: OnStep) -> tuple[int, float]:
    """The effort that reaches RECALL, and the recall on other queries."""
    chosen, judged = Sample.of(source, tell).halves
    file = FaissFile(path)

    def good(effort: int) -> bool:
        file.effort = effort
        return chosen.recall(file) >= RECALL

    file.effort = least(good, source.count)
    return file.effort, round(judged.recall(file), 4)
