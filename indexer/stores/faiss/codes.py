"""Codes of one bit per dimension (RaBitQ), beside the exact vectors: a search compares all codes, then the fp16 vectors
of the best ones.

That is several times faster than comparing all vectors, and finds nearly always the same (see `coding` for how many
candidates that takes). A filter that leaves few photos, or whatever the codes cannot answer, compares the vectors.
"""

import sys
import threading
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import BrokenGeneration
from indexer.stores import Ids, Rows
from indexer.stores.faiss import CODED, CODES, MAIN
from indexer.stores.faiss.file import FaissFile, threads_for
from indexer.stores.faiss.tuning import TUNED_AT
from model.modality import Vectors

# How many more candidates a filter takes than its share suggests, because matches are not evenly distributed.
_SLACK = 1.2
# More candidates than a sixth of the vectors to compare, or than so many without a filter, take longer than those.
_WORTH, MOST = 6, 3000
# The tenth best must be so many standard deviations ahead of what the codes say of the last candidate: then all of the
# ten best were found in nearly every search. Twice as many candidates bring it so much further ahead.
SURE, _SURER = 2.75, 0.6
_DIFFERENT = 20
# More at a time would be all vectors in any case.
_DOUBLINGS = 16.0
_INNER = {faiss.IndexRaBitQFastScan: CODED[0], faiss.IndexIVFRaBitQFastScan: CODED[1]}


class Codes:
    """An open file of codes; rows are numbered as in the file of vectors."""

    def __init__(self, path: Path) -> None:
        try:
            outer = faiss.read_index(str(path), faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise BrokenGeneration(
                f"{path}: not readable by FAISS ({reason}); run sketchseek index again"
            ) from None
        inner: Any = faiss.downcast_index(outer.index) if isinstance(outer, faiss.IndexPreTransform) else None
        if type(inner) not in _INNER or outer.chain.size() != 1:
            raise BrokenGeneration(f"{path}: not an index of codes; run sketchseek index again")
        # The outer index owns the inner one, so keep both alive.
        self._outer, self._index = outer, inner
        self.kind = _INNER[type(inner)]
        self.dimension = int(outer.d)
        turned = faiss.downcast_VectorTransform(outer.chain.at(0))
        matrix = faiss.vector_to_array(turned.A).reshape(turned.d_out, turned.d_in)
        # Vectors were multiplied by a rotation whose columns are scaled. Divided by the squares of these scales, it
        # turns queries so that inner products stay what they were, but for what the movement adds.
        self._turn: Vectors = np.ascontiguousarray((matrix / np.square(matrix).sum(axis=0)).T)
        self._moved: Vectors = faiss.vector_to_array(turned.b)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def filters(self) -> bool:
        """Whether it compares only the codes of selected rows."""
        return isinstance(self._index, faiss.IndexIVF)

    def nearest(
        self, queries: Vectors, count: int, among: Rows | None = None, lists: int = 0
    ) -> tuple[Vectors, Ids]:
        """For each query the rows that are probably nearest, best first, after their estimated scores; -1 pads rows."""
        parameters = None
        if self.filters:
            share = 1.0 if among is None else len(among) / len(self)
            wanted = lists or int(self._index.nprobe / share) + 1
            selector = None if among is None else faiss.IDSelectorBitmap(among.bits)
            parameters = faiss.IVFRaBitQSearchParameters(sel=selector)
            parameters.nprobe, parameters.qb = min(wanted, self._index.nlist), self._index.qb
        turned = queries @ self._turn
        with threads_for(len(queries)):
            estimates, rows = self._index.search(turned, count, params=parameters)
        return estimates - (turned @ self._moved)[:, None], rows


class CodedFile(FaissFile):
    """A file of exact vectors with codes beside it; `effort` is how many candidates a search starts with.

    How far the candidates' codes are off tells how likely a photo beyond them belongs to the best ten. Unless that is
    very unlikely, the search goes on with more of them, and in the end compares all vectors.
    """

    def __init__(self, path: Path, effort: int = 0, *, in_memory: int | None = None) -> None:
        super().__init__(path, effort, in_memory=in_memory)
        self.coded = Codes(path.with_name(CODES))
        if self._codes is None or (len(self.coded), self.coded.dimension) != (len(self), self.dimension):
            raise BrokenGeneration(f"{path}: its codes are of other vectors; run sketchseek index again")
        self._half: NDArray[np.float16] = self._codes
        self.kind = self.coded.kind
        self._desks = threading.local()

    def compare(self, query: Vectors, rows: Ids) -> tuple[Ids, Vectors]:
        """The places of these rows by their fp16 vectors, best first, and the scores."""
        desk: _Desk | None = getattr(self._desks, "desk", None)
        if desk is None or len(desk.rows) < len(rows):
            desk = self._desks.desk = _Desk(len(rows), self.dimension)
        np.take(self._half, rows, axis=0, out=desk.rows[: len(rows)], mode="clip")
        desk.index.ntotal = len(rows)
        scores, places = desk.index.search(query[None], len(rows))
        return places[0], scores[0]

    def surety(self, query: Vectors, near: Vectors, candidates: Ids, most: int) -> float:
        """By how many standard deviations of the codes' error the best so many are ahead of the last candidate."""
        near, candidates = near[candidates >= 0], candidates[candidates >= 0]
        if len(candidates) < most:
            return -_SURER
        places, exact = self.compare(query, candidates)
        return _ahead(exact, near[places], near[-1], most)

    def _ask(self, queries: Vectors, k: int, among: Rows | None, *, exhaustive: bool) -> tuple[Ids, Vectors]:
        rows, scores = np.full((len(queries), k), -1), np.full((len(queries), k), -np.inf, np.float32)
        left = np.arange(len(queries))
        compared = len(self) if among is None else len(among)
        # How many more candidates a filter takes if it is applied to them.
        factor = 1.0 if self.coded.filters else _SLACK * len(self) / compared if among is not None else 1.0
        count = len(self) if exhaustive else self.effort + k
        while len(left) and _WORTH * factor * count <= compared and count <= max(MOST, self.effort + k):
            found = zip(left, *self.coded.nearest(queries[left], int(factor * count), among), strict=True)
            ahead = np.array(
                [
                    self._fill(queries[n], near, candidates, among, rows[n], scores[n])
                    for n, near, candidates in found
                ]
            )
            left = left[ahead < SURE]
            if len(left):
                # Among copies of one photo, codes are all wrong alike, so that nothing could ever be sure.
                count = int(count * 2 ** min(_DOUBLINGS, max(1.0, (SURE - float(ahead.min())) / _SURER)))
        if self.coded.filters and not exhaustive:
            # Lists leave out more than too few candidates do; but the nearest ones may be empty, or nearly so.
            left = left[rows[left, min(k, compared) - 1] < 0] if compared else left[:0]
        if len(left):
            rows[left], scores[left] = super()._ask(queries[left], k, among, exhaustive=True)
        return rows, scores

    def _fill(
        self, query: Vectors, near: Vectors, found: Ids, among: Rows | None, rows: Ids, scores: Vectors
    ) -> float:
        """Fill in the best rows and their scores; returns how far ahead they are."""
        kept = found >= 0 if among is None else among.hold(found)
        found, near = found[kept], near[kept]
        if len(found) < len(rows):
            return -_SURER
        with threads_for(1):
            places, exact = self.compare(query, found)
        rows[:], scores[:] = found[places[: len(rows)]], exact[: len(rows)]
        return _ahead(exact, near[places], near[-1], min(len(rows), TUNED_AT))


def _ahead(exact: Vectors, near: Vectors, last: float, most: int) -> float:
    # Copies of a photo, which have equal scores, are all wrong alike: they say as little as one of them.
    different = np.flatnonzero(np.diff(exact, prepend=np.inf))
    if len(different) < min(_DIFFERENT, len(exact)):
        return -_SURER
    error = float(np.std((exact - near)[different])) + 1e-6
    ahead = float(exact[most - 1] - last) / error
    # A damaged vector among the candidates says nothing about the others.
    return ahead if np.isfinite(ahead) else -_SURER


class _Desk:
    """Room for the vectors of candidates, where FAISS compares them: NumPy takes ten times as long to read fp16.

    Each thread has its own.
    """

    def __init__(self, rows: int, dimension: int) -> None:
        self.index: Any = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self.index.codes.resize(rows * self.index.code_size)
        raw: NDArray[np.uint8] = faiss.rev_swig_ptr(self.index.codes.data(), self.index.codes.size())
        self.rows: NDArray[np.float16] = raw.view(np.float16).reshape(rows, dimension)


def open_file(path: Path, effort: int = 0, *, in_memory: int | None = None) -> FaissFile:
    """Open a file of vectors, with its codes if there are any."""
    coded = path.name == MAIN and path.with_name(CODES).exists()
    return (CodedFile if coded else FaissFile)(path, effort, in_memory=in_memory)


def open_in_memory(path: Path, effort: int = 0) -> FaissFile:
    """The same, but never mapped."""
    return open_file(path, effort, in_memory=sys.maxsize)
