"""The part of FAISS's interface for cards that is used, over CPU indexes: with its limits, and its trap.

The trap: an index takes a filter and never looks at it. The limits: 2048 results, one thread.
"""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import pytest

from indexer.stores.faiss.file import FaissFile
from indexer.stores.gpu.exact import ExactOnGpu
from indexer.stores.gpu.faiss import FaissOnGpu
from indexer.stores.gpu.opener import (
    GpuIndex,
    OnGpu,
)

MOST = 2048
FULL = "StandardGpuResources: alloc fail type FlatData dev 0 (cudaMalloc error out of memory [2])"


class Card:
    """What lies on it, and which threads asked it."""

    def __init__(self) -> None:
        self.indexes: list[str] = []
        self.threads: set[int] = set()
        self.batches: list[int] = []
        self.scratch: list[int] = []
        # Queries that it has memory for.
        self.room = 10**9
        self.broken: str | None = None

    def touch(self) -> None:
        self.threads.add(threading.get_ident())

    def install(self, monkeypatch: pytest.MonkeyPatch, *, cuvs: bool = True) -> None:
        def resources() -> Any:
            return SimpleNamespace(setTempMemory=self.scratch.append)

        def copied(_: Any, number: int, index: Any, options: Any) -> "OnCard":
            if options.use_cuvs and isinstance(index, faiss.IndexScalarQuantizer):
                raise RuntimeError("this type of index is not implemented for cuVS")
            return OnCard(self, faiss.clone_index(index), type(index).__name__)

        def graph(_: Any, dimension: int, metric: int, config: Any) -> "Graph":
            return Graph(self, dimension, metric)

        # A new copy of it each: resources are remembered by what made them.
        monkeypatch.setattr("indexer.stores.gpu.faiss._resources", lambda scratch: resources())
        replaced = {
            "StandardGpuResources": resources,
            "get_num_gpus": lambda: 1,
            "get_compile_options": lambda: "OPTIMIZE AVX512 GPU" + (" NVIDIA_CUVS" if cuvs else ""),
            "GpuClonerOptions": lambda: SimpleNamespace(useFloat16=False, use_cuvs=True),
            "index_cpu_to_gpu": copied,
            "GpuIndexCagraConfig": SimpleNamespace,
            "GpuIndexCagra": graph,
            "Float16": "half",
            "SearchParametersCagra": lambda: SimpleNamespace(itopk_size=64),
        }
        for name, value in replaced.items():
            monkeypatch.setattr(faiss, name, value, raising=False)


class OnCard:
    def __init__(self, card: Card, index: Any, name: str) -> None:
        self.card, self.index, self.nprobe = card, index, 1
        self.nlist = getattr(index, "nlist", 0)
        card.touch()
        card.indexes.append(name)

    def search(self, queries: np.ndarray, k: int, params: Any = None) -> tuple[np.ndarray, np.ndarray]:
        self.card.touch()
        self.card.batches.append(len(queries))
        if self.card.broken:
            raise RuntimeError(self.card.broken)
        if len(queries) > self.card.room:
            raise RuntimeError(FULL)
        assert k <= MOST
        if isinstance(self.index, faiss.IndexIVF):
            self.index.nprobe = self.nprobe
        found: tuple[np.ndarray, np.ndarray] = self.index.search(queries, k)
        return found

    def __del__(self) -> None:
        self.card.touch()
        self.card.indexes.pop()


class Graph(OnCard):
    def __init__(self, card: Card, dimension: int, metric: int) -> None:
        super().__init__(card, faiss.IndexFlat(dimension, metric), "GpuIndexCagra")

    def train(self, rows: np.ndarray, numeric_type: str) -> None:
        assert (rows.dtype, numeric_type) == (np.float16, "half")
        self.index.add(rows.astype(np.float32))

    def search(
        self, queries: np.ndarray, k: int, params: Any = None, numeric_type: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        assert (queries.dtype, numeric_type) == (np.float16, "half")
        assert params.itopk_size >= k
        assert params.itopk_size % 32 == 0
        return super().search(queries.astype(np.float32), k)


PLENTY = 2**40


def on_gpu(kind: GpuIndex, free: Callable[[], int] = lambda: PLENTY, **options: object) -> OnGpu:
    def load(file: FaissFile) -> ExactOnGpu | FaissOnGpu:
        if kind == "exact":
            # So little memory for scores that it takes several rounds.
            return ExactOnGpu(len(file), file.dimension, file.rows, device="cpu", scratch=4 * 1000)
        return FaissOnGpu(file, kind)

    return OnGpu(load, "cuda:0 of a test", kind, free=free, **options)  # type: ignore[arg-type]
