"""Files searched on a GPU. What the GPU cannot answer, or everything once it is lost or makes room for another index,
the host answers from the file itself: slower, never wrong, and always logged."""

import functools
import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from indexer.stores import File, Ids, Nearest, Rows, filtered
from indexer.stores.faiss.codes import open_file
from indexer.stores.faiss.file import FEW, FaissFile
from indexer.stores.gpu.executor import Executor, Resident
from indexer.stores.placement import DEVICES, Device, GpuIndex
from model import gpu
from model.errors import DeviceProblem
from model.modality import Vectors

log = logging.getLogger("sketchseek")

# Memory for the scores of a batch, or for FAISS to work in.
SCRATCH = 2**29
# GPU memory left for the rest of the process.
_RESERVE = 2**30
# CAGRA stores 64 neighbours per vector, and twice that while it is being built.
_GRAPH_BYTES = 3 * 64 * 4
# Overfetch factor before filtering, because matches are not evenly distributed.
_SLACK = 1.5
_LEAST_EXTRA = 32

Load = Callable[[FaissFile], Resident]


class GpuFile:
    """A file with a copy on a GPU; same interface as the file."""

    def __init__(self, file: FaissFile, resident: Resident, executor: Executor, where: str) -> None:
        self._file, self._executor, self._where = file, executor, where
        self._resident: Resident | None = resident
        self.kind, self.dimension, self.ids = file.kind, file.dimension, file.ids
        self.locate, self.find, self.rows = file.locate, file.find, file.rows

    def __len__(self) -> int:
        return len(self._file)

    @property
    def device(self) -> str:
        resident = self._resident
        return self._file.device if resident is None else f"{self._where} ({resident.name})"

    def search(self, queries: Vectors, k: int, among: Rows | None = None) -> Nearest:
        k = min(k, len(self) if among is None else len(among))
        resident = self._resident
        # Comparing a few rows on the host is faster than a GPU scan of all.
        if resident is None or k < 1 or (among is not None and len(among) <= FEW):
            return self._file.search(queries, k, among)
        try:
            found = self._ask(resident, np.ascontiguousarray(queries, dtype=np.float32), k, among)
        except Exception as error:
            if self._resident is resident:
                self._fall_back(error)
            found = None
        return self._file.search(queries, k, among) if found is None else found

    def release(self) -> None:
        """Free the GPU memory; from now on the host answers."""
        resident, self._resident = self._resident, None
        if resident is not None:
            self._executor.run(resident.close)

    def _ask(self, resident: Resident, queries: Vectors, k: int, among: Rows | None) -> Nearest | None:
        """The nearest, or None if the GPU did not find enough."""
        if among is None or resident.supports_filters:
            if k > resident.most:
                return None
            rows, scores = self._executor.search(resident, queries, k, among)
        else:
            fetch = int(_SLACK * k * len(self) / len(among)) + _LEAST_EXTRA
            if fetch > resident.most:
                return None
            rows, scores = self._executor.search(resident, queries, min(fetch, len(self)))
            rows, scores = filtered(rows, scores, among)
            rows, scores = rows[:, :k], scores[:, :k]
        if (rows < 0).any():
            return None
        return Nearest(self.ids[rows], scores)

    def _fall_back(self, error: Exception) -> None:
        """Log the error. A full GPU may have room for the next query; a lost one is not used again."""
        line = gpu.meaning(error) or f"the index on the GPU failed ({error})"
        if gpu.is_fatal(error):
            log.error("searching on the CPU from now on: %s", line)
            self._resident = None
        else:
            log.warning("searching on the CPU this time: %s", line)


@dataclass
class OnGpu:
    """Opens files for searching on a GPU; `load` copies one there.

    `memory` limits the GPU memory of all of them, 0 means what is free. If two generations do not fit at once, the
    older one is searched on the host until it is closed.
    """

    load: Load
    where: str
    kind: GpuIndex = "exact"
    memory: int = 0
    refuse: bool = True
    free: Callable[[], int] = field(default=lambda: gpu.find().free)
    executor: Executor = field(default_factory=Executor)
    _files: "weakref.WeakKeyDictionary[GpuFile, int]" = field(default_factory=weakref.WeakKeyDictionary)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, path: Path, effort: int = 0) -> File:
        file = open_file(path, effort)
        if not len(file):
            return file
        with self._lock:
            try:
                return self._put(file)
            except DeviceProblem as error:
                if self.refuse:
                    raise
                log.warning("searching the index on the CPU: %s", error)
                return file

    def _put(self, file: FaissFile) -> File:
        needed = bytes_needed(file, self.kind)
        if needed > self._room():
            for older in [older for older in self._files if older.device != file.device]:
                log.info(
                    "making room on the GPU for a newer index: searching the older one on the CPU meanwhile"
                )
                older.release()
        if needed > (room := self._room()):
            raise DeviceProblem(_too_large(file, needed, room))
        with gpu.explained():
            resident = self.executor.run(functools.partial(self.load, file))
        made = GpuFile(file, resident, self.executor, self.where)
        self._files[made] = needed
        return made

    def _room(self) -> int:
        """GPU memory still available, within what is free and allowed."""
        free = self.free() - _RESERVE
        if not self.memory:
            return free
        taken = sum(size for each, size in self._files.items() if each.device != "cpu")
        return min(free, self.memory - taken)


def bytes_needed(file: FaissFile, kind: GpuIndex) -> int:
    each = 2 * file.dimension + 8 + (_GRAPH_BYTES if kind == "cagra" else 0)
    return len(file) * each + SCRATCH


def opener(device: Device, kind: GpuIndex = "exact", memory: int = 0) -> Callable[..., File]:
    """A function that opens files. If a GPU is requested but unusable, logs a warning and uses the host.

    `cuda` refuses an index that does not fit; `auto` uses a GPU if there is one and the index fits.
    """
    if device == "cpu" or (device == "auto" and not gpu.seems_there()):
        return open_file
    try:
        found = gpu.find()
    except DeviceProblem as error:
        log.warning("searching the index on the CPU: %s", error)
        return open_file
    where = f"{found.device} {found.name}"
    return OnGpu(_loader(kind, found.number), where, kind, memory, refuse=device == "cuda")


def _loader(kind: GpuIndex, number: int) -> Load:
    # Imported only when chosen: torch and FAISS for GPUs do not require each other.
    if kind == "exact":
        from indexer.stores.gpu.exact import ExactOnGpu

        return lambda file: ExactOnGpu(
            len(file), file.dimension, file.rows, device=f"cuda:{number}", scratch=SCRATCH
        )
    from indexer.stores.gpu.faiss import FaissOnGpu

    return lambda file: FaissOnGpu(file, kind, number=number, scratch=SCRATCH)


def _too_large(file: FaissFile, needed: int, room: int) -> str:
    return (
        f"{file.path}: {len(file)} vectors need {needed / 2**30:.1f} GiB of GPU memory, and "
        f"{max(0, room) / 2**30:.1f} GiB are available: raise SKETCHSEEK_INDEX_MEMORY_MB, give the encoder less "
        "(SKETCHSEEK_ENCODER_MEMORY_MB), stop other programs on the GPU, or search on the CPU (--index-device cpu)"
    )


__all__ = ["DEVICES", "Device", "GpuFile", "GpuIndex", "Ids", "OnGpu", "bytes_needed", "opener"]
