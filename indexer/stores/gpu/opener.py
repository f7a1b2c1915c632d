"""Files that a card searches. What it cannot answer, and everything once it is lost or has to make room, is answered by
the file itself on the host: slower, never wrong, and never without a word in the log."""

import functools
import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from indexer.stores import File, Ids, Nearest, Rows, sifted
from indexer.stores.faiss.file import FEW, FaissFile
from indexer.stores.gpu.executor import Executor, Resident
from indexer.stores.placement import DEVICES, Device, GpuIndex
from model import gpu
from model.errors import DeviceProblem
from model.modality import Vectors

log = logging.getLogger("sketchseek")

# Scores of a batch, and what FAISS works in.
SCRATCH = 2**29
# Left to whatever else the process does on the card.
_RESERVE = 2**30
# CAGRA holds for each vector 64 neighbours besides the vector, and twice that while it is built.
_GRAPH_BYTES = 3 * 64 * 4
# How much more than its share is fetched before sifting, for a filter does not spread evenly.
_SLACK = 1.5
_LEAST_EXTRA = 32

Load = Callable[[FaissFile], Resident]


class GpuFile:
    """A file and its copy on a card, with the face of the file."""

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
        # Few rows are compared one by one on the host, sooner than a card would have looked at all.
        if resident is None or k < 1 or (among is not None and len(among) <= FEW):
            return self._file.search(queries, k, among)
        try:
            found = self._ask(resident, np.ascontiguousarray(queries, dtype=np.float32), k, among)
        except Exception as error:
            if self._resident is resident:
                self._give_up(error)
            found = None
        return self._file.search(queries, k, among) if found is None else found

    def release(self) -> None:
        """Gives the card's memory back; from here on the host answers."""
        resident, self._resident = self._resident, None
        if resident is not None:
            self._executor.run(resident.close)

    def _ask(self, resident: Resident, queries: Vectors, k: int, among: Rows | None) -> Nearest | None:
        """None where the card did not find enough."""
        if among is None or resident.supports_filters:
            if k > resident.most:
                return None
            rows, scores = self._executor.search(resident, queries, k, among)
        else:
            fetch = int(_SLACK * k * len(self) / len(among)) + _LEAST_EXTRA
            if fetch > resident.most:
                return None
            rows, scores = self._executor.search(resident, queries, min(fetch, len(self)))
            rows, scores = sifted(rows, scores, among)
            rows, scores = rows[:, :k], scores[:, :k]
        if (rows < 0).any():
            return None
        return Nearest(self.ids[rows], scores)

    def _give_up(self, error: Exception) -> None:
        """A full card may have room for the next query; one that is lost is not asked again."""
        line = gpu.meaning(error) or f"the card's index failed ({error})"
        if gpu.is_fatal(error):
            log.error("searches go to the CPU from here on: %s", line)
            self._resident = None
        else:
            log.warning("a search goes to the CPU: %s", line)


@dataclass
class OnGpu:
    """Opens files so that a card searches them; `load` puts one there.

    `memory` is what the card may give to all of them, 0 for what is free. Where two generations do not fit at
    once, the older one is searched on the host until it is let go.
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
        file = FaissFile(path, effort)
        if not len(file):
            return file
        with self._lock:
            try:
                return self._put(file)
            except DeviceProblem as error:
                if self.refuse:
                    raise
                log.warning("the index is searched on the CPU: %s", error)
                return file

    def _put(self, file: FaissFile) -> File:
        needed = bytes_needed(file, self.kind)
        if needed > self._room():
            for older in [older for older in self._files if older.device != file.device]:
                log.info(
                    "the card makes room for a newer index: the older one is searched on the CPU meanwhile"
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
        """What may still be taken: of what is free, and of what was allowed."""
        free = self.free() - _RESERVE
        if not self.memory:
            return free
        taken = sum(size for each, size in self._files.items() if each.device != "cpu")
        return min(free, self.memory - taken)


def bytes_needed(file: FaissFile, kind: GpuIndex) -> int:
    each = 2 * file.dimension + 8 + (_GRAPH_BYTES if kind == "cagra" else 0)
    return len(file) * each + SCRATCH


def opener(device: Device, kind: GpuIndex = "exact", memory: int = 0) -> Callable[..., File]:
    """How files are opened. Where a card is asked for and none can be had, a warning, and the host.

    `cuda` refuses an index that does not fit; `auto` takes a card if there is one and the index fits.
    """
    if device == "cpu" or (device == "auto" and not gpu.seems_there()):
        return FaissFile
    try:
        card = gpu.find()
    except DeviceProblem as error:
        log.warning("the index is searched on the CPU: %s", error)
        return FaissFile
    where = f"{card.device} {card.name}"
    return OnGpu(_loader(kind, card.number), where, kind, memory, refuse=device == "cuda")


def _loader(kind: GpuIndex, number: int) -> Load:
    # Each imported only when chosen: neither torch nor FAISS for cards need be installed for the other.
    if kind == "exact":
        from indexer.stores.gpu.exact import ExactOnGpu

        return lambda file: ExactOnGpu(
            len(file), file.dimension, file.rows, device=f"cuda:{number}", scratch=SCRATCH
        )
    from indexer.stores.gpu.faiss import FaissOnGpu

    return lambda file: FaissOnGpu(file, kind, number=number, scratch=SCRATCH)


def _too_large(file: FaissFile, needed: int, room: int) -> str:
    return (
        f"{file.path}: {len(file)} vectors take {needed / 2**30:.1f} GiB of the card, which has "
        f"{max(0, room) / 2**30:.1f} GiB to give: raise SKETCHSEEK_INDEX_MEMORY_MB, give the encoder less "
        "(SKETCHSEEK_ENCODER_MEMORY_MB), stop what else uses the card, or search on the CPU (--index-device cpu)"
    )


__all__ = ["DEVICES", "Device", "GpuFile", "GpuIndex", "Ids", "OnGpu", "bytes_needed", "opener"]
