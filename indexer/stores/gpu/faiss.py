"""FAISS on a GPU: a flat index, inverted lists, or a CAGRA graph. None of them supports filters.

Some accept a filter and silently ignore it, so none is passed: the caller fetches more results and filters them.
"""

import functools
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import faiss
import numpy as np

from indexer.stores import Rows
from indexer.stores.faiss import CODED, EXACT
from indexer.stores.faiss.file import FaissFile
from indexer.stores.gpu.executor import NearestRows
from model.errors import DeviceProblem
from model.modality import Vectors

Kind = Literal["flat", "ivf", "cagra"]
# FAISS's own limit for results and lists per query.
_MOST = 2048
_TUNED_FOR = 20
# Beyond this many results, a graph is no faster than a scan.
_MOST_OF_GRAPH, _CANDIDATES = 256, 128
_WHEELS = ("faiss-gpu-cuvs", "faiss-gpu", "faiss-gpu-cu12", "faiss-gpu-cu11")
_NEEDED = {"flat": (EXACT, *CODED), "ivf": ("ivf-fp16",)}


class FaissOnGpu:
    """A copy of a file's index on a GPU, converted to another kind if requested."""

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
            # Candidates to keep: a multiple of 32; the default is too few for this many results.
            kept = faiss.SearchParametersCagra()
            kept.itopk_size = max(_CANDIDATES, -(-2 * k // 32) * 32)
            half = queries.astype(np.float16)
            scores, rows = self._index.search(half, k, params=kept, numeric_type=faiss.Float16)
        else:
            if self._effort:
                # Tuned for ten results; finding more, or enough after filtering, takes more lists.
                harder = int(self._effort * max(1.0, k / _TUNED_FOR))
                self._index.nprobe = min(harder, self._index.nlist, _MOST)
            scores, rows = self._index.search(queries, k)
        return NearestRows(rows, scores)

    def close(self) -> None:
        self._index = None


def check(kind: Kind, of_file: str) -> None:
    """Raise DeviceProblem, with a fix, if this FAISS cannot copy the file to a GPU as that kind."""
    if both := _both_wheels():
        raise DeviceProblem(
            f"{' and '.join(both)} are both installed, and one hides the other: "
            f"pip uninstall {' '.join(both)}, then pip install 'sketchseek[gpu]'"
        )
    if not hasattr(faiss, "StandardGpuResources"):
        raise DeviceProblem(
            f"SKETCHSEEK_GPU_INDEX={kind} needs FAISS for GPUs: pip uninstall faiss-cpu, then "
            "pip install faiss-gpu-cuvs; or set SKETCHSEEK_GPU_INDEX=exact"
        )
    if not faiss.get_num_gpus():
        raise DeviceProblem("FAISS finds no GPU: check nvidia-smi, or set SKETCHSEEK_GPU_INDEX=exact")
    if kind == "cagra" and "CUVS" not in faiss.get_compile_options():
        raise DeviceProblem("SKETCHSEEK_GPU_INDEX=cagra needs cuVS: pip install faiss-gpu-cuvs")
    if of_file not in _NEEDED.get(kind, (of_file,)):
        raise DeviceProblem(
            f"SKETCHSEEK_GPU_INDEX={kind} needs an index of that type, but this one is {of_file}: "
            f"sketchseek index --index-type {kind}; or set SKETCHSEEK_GPU_INDEX=exact"
        )


def _both_wheels() -> list[str]:
    """Conflicting FAISS wheels, which install into the same folder; empty if there is only one."""
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
    """One per process: each would allocate scratch memory, and must outlive its indexes."""
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(scratch)
    return resources


def _copied(resources: Any, file: FaissFile, number: int) -> Any:
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    # cuVS, the default in its wheel, does not support fp16 quantizers.
    options.use_cuvs = False
    # Reopen the file: the open index has a direct map, which cannot be copied.
    outer = faiss.read_index(str(file.path), faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY)
    inner = faiss.downcast_index(outer.index)
    return faiss.index_cpu_to_gpu(resources, number, inner, options)


def _graph(resources: Any, file: FaissFile, number: int) -> Any:
    config = faiss.GpuIndexCagraConfig()
    config.device = number
    graph = faiss.GpuIndexCagra(resources, file.dimension, faiss.METRIC_INNER_PRODUCT, config)
    # A graph is built from all vectors at once, in host memory.
    rows = np.empty((len(file), file.dimension), dtype=np.float16)
    for start in range(0, len(file), 65_536):
        numbers = np.arange(start, min(start + 65_536, len(file)))
        rows[numbers] = file.rows(numbers)
    graph.train(rows, numeric_type=faiss.Float16)
    return graph
