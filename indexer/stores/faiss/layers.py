"""A store of two files: a large one, whose dead ids are skipped, and a small one with newer vectors.

This way, a run that changes little in a large library need not rebuild its index.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from indexer.errors import BrokenGeneration
from indexer.stores import File, Ids, Nearest, Rows, Selection, isin
from indexer.stores.faiss import CODED, DEAD, EXACT, FRESH, MAIN
from indexer.stores.faiss.codes import open_file, open_in_memory
from indexer.stores.faiss.file import FaissFile
from model.modality import Vectors

# Opens a file with its effort, on the host or on a GPU.
Opener = Callable[[Path, int], File]


class LayeredStore:
    """Each id is in one file only; `alive` selects the valid rows of each file, None means all."""

    def __init__(self, files: Sequence[File], alive: Selection) -> None:
        self._files = list(files)
        self._alive = alive
        self._again: Callable[[Opener], LayeredStore] | None = None

    @classmethod
    def open(cls, folder: Path, effort: int = 0, opener: Opener = open_file) -> "LayeredStore":
        main = opener(folder / MAIN, effort)
        if (folder / FRESH).exists():
            alive = Rows.of(np.flatnonzero(~isin(main.ids, read_dead(folder))), len(main))
            opened = cls([main, opener(folder / FRESH, 0)], (alive, None))
        else:
            opened = cls([main], (None,))
        opened._again = partial(cls.open, folder, effort)
        return opened

    def __len__(self) -> int:
        return sum(map(self._count, range(len(self._files))))

    @property
    def device(self) -> str:
        return self._files[0].device

    @property
    def exact(self) -> bool:
        return self._files[0].kind in (EXACT, CODED[0])

    def let_go(self) -> "LayeredStore | None":
        wanted = any(isinstance(file, FaissFile) and file.wanted for file in self._files)
        return self._again(open_in_memory) if wanted and self._again else None

    def release(self) -> None:
        for file in self._files:
            file.release()

    @property
    def ids(self) -> Ids:
        """All ids that can be found."""
        parts = [
            file.ids if rows is None else file.ids[rows.numbers]
            for file, rows in zip(self._files, self._alive, strict=True)
        ]
        return np.concatenate(parts)

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Nearest:
        chosen = self._alive if among is None else among
        found = [file.search(queries, k, rows) for file, rows in zip(self._files, chosen, strict=True)]
        if len(found) == 1:
            return found[0]
        ids = np.concatenate([part.ids for part in found], axis=1)
        scores = np.concatenate([part.scores for part in found], axis=1)
        scores[ids < 0] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return Nearest(np.take_along_axis(ids, best, axis=1), np.take_along_axis(scores, best, axis=1))

    def select(self, ids: Ids) -> Selection:
        selected = []
        for file, alive in zip(self._files, self._alive, strict=True):
            rows = file.find(ids)
            selected.append(Rows.of(rows if alive is None else rows[alive.hold(rows)], len(file)))
        return tuple(selected)

    def vectors(self, ids: Ids) -> Vectors:
        if (
            len(self._files) == 1
            and self._alive[0] is None
            and (rows := self._files[0].find(ids)).size == len(ids)
        ):
            return self._files[0].rows(rows)
        found = np.zeros((len(ids), self._files[0].dimension), dtype=np.float32)
        for file, alive in zip(self._files, self._alive, strict=True):
            rows = file.locate(ids)
            here = rows >= 0 if alive is None else alive.hold(rows)
            found[here] = file.rows(rows[here])
        return found

    def sample(self) -> tuple[int, Vectors] | None:
        largest = max(range(len(self._files)), key=self._count)
        if not self._count(largest):
            return None
        file, alive = self._files[largest], self._alive[largest]
        middle = self._count(largest) // 2
        row = middle if alive is None else int(alive.numbers[middle])
        return int(file.ids[row]), file.rows(np.array([row], dtype=np.int64))

    def _count(self, layer: int) -> int:
        alive = self._alive[layer]
        return len(self._files[layer] if alive is None else alive)


def read_dead(folder: Path) -> Ids:
    """Ids in the large file that are no longer valid; none if it was built for this generation."""
    path = folder / DEAD
    if not path.exists():
        return np.empty(0, dtype=np.int64)
    data = path.read_bytes()
    if len(data) % 8:
        raise BrokenGeneration(f"{path}: truncated; run sketchseek index again")
    return np.frombuffer(data, dtype="<i8").astype(np.int64)


def write_dead(folder: Path, ids: Ids) -> None:
    (folder / DEAD).write_bytes(np.sort(ids).astype("<i8").tobytes())
