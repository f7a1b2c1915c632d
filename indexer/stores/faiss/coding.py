"""Make the codes beside a file of vectors, and find out how many candidates a search needs.

Codes keep the sign of each dimension. They are best where dimensions are alike: vectors are moved so that their mean is
the origin, which changes all scores of a query by the same amount, and rotated at random, which changes none. The few
columns of biases, which are stored tiny and counted large, are scaled up before, and down in queries.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np

from indexer.stores import OnStep, Source
from indexer.stores.backend import Built
from indexer.stores.faiss import CODED, CODES
from indexer.stores.faiss.codes import MOST, SURE, CodedFile, Codes
from indexer.stores.faiss.tuning import TUNED_AT, Sample, least
from model.modality import Vectors

# What is asked of lists; without them, a search goes on until it is sure.
RECALL_OF_LISTS = 0.995
# Fewer candidates than this take hardly less time.
_LEAST = 400
# Of all queries.
_SUFFICIENT = 0.6
_POINTS = 50_000
_POINTS_PER_LIST = 48
# From a sixteenth of a bias to four times one.
_BIASES = 64.0


def build_codes(path: Path, source: Source, kind: str, tell: OnStep) -> Built:
    """Write codes for the vectors of the source, which are in the file at `path` in the same order."""
    lists = 0 if kind == CODED[0] else int(2 * source.count**0.5)
    points = source.sample(max(_POINTS, lists * _POINTS_PER_LIST))
    inner = _lists(source.dimension, lists) if lists else _all(source.dimension)
    turned = _turned(points, source.tail)
    tell("training", 0, len(points))
    # Together with what training copies, they are the most memory that building takes.
    count, points = len(points), turned.apply(points)
    inner.train(points)
    del points
    tell("training", count, count)
    index = faiss.IndexPreTransform(turned, inner)
    done = 0
    for _, vectors in source.batches():
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        done += len(vectors)
        tell("coding", done, source.count)
    coded = path.with_name(CODES)
    faiss.write_index(index, str(coded))
    chosen, judged = Sample.of(source, tell).halves
    file = CodedFile(path)
    if lists:
        inner.nprobe = min(lists, least(lambda tried: _listed(file, chosen, tried) >= RECALL_OF_LISTS, lists))
        faiss.write_index(index, str(coded))
        file.coded = Codes(coded)
    file.effort = _depth(file, chosen.queries)
    return Built(kind, file.effort, round(judged.recall(file), 4))


def _turned(points: Vectors, tail: int) -> Any:
    """The movement, scaling, and rotation of vectors before they become codes."""
    dimension = points.shape[1]
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dimension, dimension)))
    scales = np.ones(dimension)
    scales[dimension - tail :] = _BIASES
    matrix = rotation * scales
    turned = faiss.LinearTransform(dimension, dimension, True)
    faiss.copy_array_to_vector(matrix.astype(np.float32).ravel(), turned.A)
    shift = matrix @ points.mean(axis=0, dtype=np.float64)
    faiss.copy_array_to_vector(-shift.astype(np.float32), turned.b)
    turned.is_trained = True
    return turned


def _all(dimension: int) -> Any:
    return faiss.IndexRaBitQFastScan(dimension, faiss.METRIC_INNER_PRODUCT)


def _lists(dimension: int, lists: int) -> Any:
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFRaBitQFastScan(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    # Transfer ownership of the quantizer from Python to the index.
    quantizer.this.disown()
    index.own_fields = True
    index.cp.spherical, index.cp.niter, index.cp.min_points_per_centroid = True, 8, 1
    return index


def _listed(file: CodedFile, sample: Sample, lists: int) -> float:
    """The share of the ten best that is among the candidates from so many lists."""
    _, found = file.coded.nearest(sample.queries, MOST, lists=lists)
    scores = np.full((len(found), sample.most), -np.inf, dtype=np.float32)
    for number, rows in enumerate(found):
        if len(some := rows[rows >= 0]):  # lists may be empty
            _, best = file.compare(sample.queries[number], some)
            scores[number, : len(best)] = best[: sample.most]
    return sample.share(scores)


def _depth(file: CodedFile, queries: Vectors) -> int:
    """How many candidates suffice for most queries: with fewer, many searches would have to go on."""
    count = _LEAST
    while count < MOST:
        near, found = file.coded.nearest(queries, min(count, len(file)))
        ahead = [
            file.surety(query, scores, rows, min(TUNED_AT, len(file)))
            for query, scores, rows in zip(queries, near, found, strict=True)
        ]
        if np.mean(np.array(ahead) >= SURE) >= _SUFFICIENT:
            break
        count += count // 4
    return min(MOST, count)
