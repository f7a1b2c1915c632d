"""Builds the file of a store from batches: which kind fits the size, how it is trained, how hard it must search.

Never holds all vectors as float32. An approximate index is asked with vectors half way between a stored one and
nowhere, as near to their photos as drawings are, and searches as hard as it must to find .99 of what an exact
scan finds; what it reached on other such questions is written into the manifest.
"""

from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np

from indexer.stores import Nearest, OnStep, Source
from indexer.stores.backend import Built
from indexer.stores.faiss import EXACT, IndexType
from indexer.stores.faiss.file import TUNED_AT, FaissFile
from model.modality import Vectors, unit

# Up to here an exact scan takes few enough milliseconds.
FLAT_UP_TO = 200_000
RECALL = 0.99

_NEIGHBOURS = 32
_CANDIDATES = 80
_POINTS_PER_LIST = 64
_LEAST = {"flat": 0, "hnsw": 1, "ivf": 4 * _POINTS_PER_LIST}
_QUESTIONS = 200


def choose(index_type: IndexType, count: int) -> Literal["flat", "hnsw", "ivf"]:
    """Lists need enough points to be trained with, below which an exact scan is as quick anyway."""
    if index_type == "auto":
        return "flat" if count <= FLAT_UP_TO else "ivf"
    return index_type if count >= _LEAST[index_type] else "flat"


def build(path: Path, source: Source, index_type: IndexType = "auto", on_step: OnStep | None = None) -> Built:
    """Writes the file."""
    tell = on_step or (lambda *_: None)
    kind = choose(index_type, source.count)
    inner = _empty(kind, source, tell)
    index = faiss.IndexIDMap(inner)
    done = 0
    for ids, vectors in source.batches():
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
        done += len(ids)
        tell("indexing", done, source.count)
    faiss.write_index(index, str(path))
    del index, inner
    if kind == "flat":
        return Built(EXACT)
    effort, recall = _tune(path, source, tell)
    return Built(f"{kind}-fp16", effort, recall)


def _empty(kind: str, source: Source, tell: OnStep) -> Any:
    dimension, metric = source.dimension, faiss.METRIC_INNER_PRODUCT
    half = faiss.ScalarQuantizer.QT_fp16
    if kind == "flat":
        return faiss.IndexScalarQuantizer(dimension, half, metric)
    if kind == "hnsw":
        graph = faiss.IndexHNSWSQ(dimension, half, _NEIGHBOURS, metric)
        graph.hnsw.efConstruction = _CANDIDATES
        return graph
    lists = int(min(2 * source.count**0.5, source.count / _POINTS_PER_LIST))
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, half, metric, False)
    # Python keeps no hold on the quantizer; the index has to own it.
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
    """The least effort that finds enough for half of the questions, and the recall on the other half."""
    chosen = source.sample(2 * _QUESTIONS)
    noise = np.random.default_rng(0).standard_normal(chosen.shape).astype(np.float32)
    questions = unit(chosen + unit(noise))
    least = _least_scores(source, questions, tell)
    most = min(TUNED_AT, source.count)
    kept = slice(min(1, len(questions) - 1), None, 2)
    effort, previous = 1, 0
    while True:
        found = FaissFile(path, effort)
        if _recall(found.search(questions[::2], most), least[::2]) >= RECALL or effort >= source.count:
            break
        previous, effort = effort, 2 * effort
    while effort - previous > max(1, effort // 8):
        middle = (previous + effort) // 2
        good = _recall(FaissFile(path, middle).search(questions[::2], most), least[::2]) >= RECALL
        previous, effort = (previous, middle) if good else (middle, effort)
    # A step more than was needed here: other questions are as often harder as easier.
    effort += -(-effort // 4)
    return effort, round(_recall(FaissFile(path, effort).search(questions[kept], most), least[kept]), 4)


def _least_scores(source: Source, questions: Vectors, tell: OnStep) -> Vectors:
    """For each question the score of the tenth best vector, found by looking at them all."""
    best = np.empty((len(questions), 0), dtype=np.float32)
    done = 0
    for ids, vectors in source.batches():
        exact = np.asarray(vectors, dtype=np.float16).astype(np.float32)
        best = np.concatenate([best, questions @ exact.T], axis=1)
        at = min(TUNED_AT, best.shape[1])
        best = -np.partition(-best, at - 1, axis=1)[:, :at]
        done += len(ids)
        tell("measuring", done, source.count)
    least: Vectors = best.min(axis=1)
    return least


def _recall(found: Nearest, least: Vectors) -> float:
    """The share of the ten best that was found; of equals any will do."""
    right = (found.ids >= 0) & (found.scores >= least[:, None] - 1e-4)
    return float(right.mean())
