"""FAISS on a card: a flat index, inverted lists, or a CAGRA graph. None of them supports filters.

Some accept one and never look at it, so none is given: the caller asks for more than it needs and sifts.
"""

import functools
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import faiss
import numpy as np

from indexer.stores import Rows
from indexer.stores.faiss.file import FaissFile
from indexer.stores.gpu.executor import NearestRows
from model.errors import DeviceProblem
from model.modality import Vectors

Kind = Literal["flat", "ivf", "cagra"]
# FAISS's own limit for results and lists of a query.
_MOST = 2048
_TUNED_FOR = 20
# Above that a graph is no quicker than a scan.
_MOST_OF_GRAPH, _CANDIDATES = 256, 128
_WHEELS = ("faiss-gpu-cuvs", "faiss-gpu", "faiss-gpu-cu12", "faiss-gpu-cu11")
_NEEDED = {"flat": "flat-fp16", "ivf": "ivf-fp16"}


class FaissOnGpu:
    """A copy of a file's index on a card, of another kind where that is wished."""

    supports_filters = False

    def __init__(self, file: FaissFile, kind: Kind, *, number: int = 0, scratch: int = 2**29) -> None:
        check(kind, file.kind)
        self.name = f"FAISS, {kind}"
        self._effort = file.effort if kind == "ivf" else 0
        self.most = _MOST if kind != "cagra" else _MOST_OF_GRAPH
        self._graph = kind == "cagra"
        resources = _resources(scratch)
        if kind == "cagra":
            self._index = _graph(resources, file, number)
        else:
            self._index = _copied(resources, file, number)

    def search(self, queries: Vectors, k: int, among: Rows | None) -> NearestRows:
        assert among is None
        if self._graph:
            # Candidates that are kept on the way: a multiple of 32, and by default too few for more results.
            kept = faiss.SearchParametersCagra()
            kept.itopk_size = max(_CANDIDATES, -(-2 * k // 32) * 32)
            half = queries.astype(np.float16)
            scores, rows = self._index.search(half, k, params=kept, numeric_type=faiss.Float16)
        else:
            if self._effort:
                # Tuned for ten results; more of them, or those left after sifting, lie in more lists.
                harder = int(self._effort * max(1.0, k / _TUNED_FOR))
                self._index.nprobe = min(harder, self._index.nlist, _MOST)
            scores, rows = self._index.search(queries, k)
        return NearestRows(rows, scores)

    def close(self) -> None:
        self._index = None


def check(kind: Kind, of_file: str) -> None:
    """Raises DeviceProblem, with what to do, where this FAISS cannot put such a file on a card as that kind."""
    if both := _both_wheels():
        raise DeviceProblem(
            f"{' and '.join(both)} are installed together, and one hides the other: "
            f"pip uninstall {' '.join(both)}, then pip install 'sketchseek[gpu]'"
        )
    if not hasattr(faiss, "StandardGpuResources"):
        raise DeviceProblem(
            f"SKETCHSEEK_GPU_INDEX={kind} needs FAISS for cards: pip uninstall faiss-cpu, then "
            "pip install faiss-gpu-cuvs; or take SKETCHSEEK_GPU_INDEX=exact"
        )
    if not faiss.get_num_gpus():
        raise DeviceProblem("FAISS sees no card: nvidia-smi lists them; or take SKETCHSEEK_GPU_INDEX=exact")
    if kind == "cagra" and "CUVS" not in faiss.get_compile_options():
        raise DeviceProblem("SKETCHSEEK_GPU_INDEX=cagra needs cuVS: pip install faiss-gpu-cuvs")
    if of_file != _NEEDED.get(kind, of_file):
        raise DeviceProblem(
            f"SKETCHSEEK_GPU_INDEX={kind} needs an index of that type, this one is {of_file}: "
            f"sketchseek index --index-type {kind}; or take SKETCHSEEK_GPU_INDEX=exact"
        )


def _both_wheels() -> list[str]:
    """faiss-cpu and the wheel for cards beside it: both fill the same folder."""
    found = list(_installed(("faiss-cpu", *_WHEELS)))
    return found if len(found) > 1 else []


def _installed(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        yield name


@functools.cache
def _resources(scratch: int) -> Any:
    """One for the process: each would take scratch memory of its own, and an index must not outlive its own."""
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(scratch)
    return resources


def _copied(resources: Any, file: FaissFile, number: int) -> Any:
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    # With cuVS, on by default in its wheel, fp16 quantizers are refused.
    options.use_cuvs = False
    # Read anew: the open one has a map from rows to places, which cannot be copied.
    outer = faiss.read_index(str(file.path), faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY)
    inner = faiss.downcast_index(outer.index)
    return faiss.index_cpu_to_gpu(resources, number, inner, options)


def _graph(resources: Any, file: FaissFile, number: int) -> Any:
    config = faiss.GpuIndexCagraConfig()
    config.device = number
    graph = faiss.GpuIndexCagra(resources, file.dimension, faiss.METRIC_INNER_PRODUCT, config)
    # A graph is built of all vectors at once, from the host's memory.
    rows = np.empty((len(file), file.dimension), dtype=np.float16)
    for start in range(0, len(file), 65_536):
        numbers = np.arange(start, min(start + 65_536, len(file)))
        rows[numbers] = file.rows(numbers)
    graph.train(rows, numeric_type=faiss.Float16)
    return graph
