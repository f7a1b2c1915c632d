"""FAISS's indexes on the GPU compared with torch's exact search: recall@10 and queries/s at ten million vectors.

The vectors lie in overlapping clusters; the queries lie between them, as drawings lie between photos.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.gpu.command import Bench
from bench.gpu.search import DIMENSION
from indexer.stores import Ids, Source
from indexer.stores.faiss.build import build
from indexer.stores.faiss.file import FaissFile
from indexer.stores.gpu.exact import ExactOnGpu
from indexer.stores.gpu.executor import Resident
from indexer.stores.gpu.faiss import FaissOnGpu, Kind
from indexer.stores.gpu.opener import SCRATCH
from model.errors import DeviceProblem
from model.modality import Vectors, unit

COUNT, SMALL = 10_000_000, 3_000
_CHUNK = 100_000


def cagra(bench: Bench) -> None:
    """CAGRA from a flat file, and FAISS's own flat index of the same."""
    _compare(bench, "flat", ("flat", "cagra"))


def ivf(bench: Bench) -> None:
    """Inverted lists that the host trained and filled."""
    _compare(bench, "ivf", ("ivf",))


def _compare(bench: Bench, of_file: str, kinds: tuple[Kind, ...]) -> None:
    count = SMALL if bench.small else COUNT
    start = time.perf_counter()
    rows = np.concatenate(
        [_near_clusters(min(_CHUNK, count - at), at, 0.03, bench.device) for at in range(0, count, _CHUNK)]
    )
    questions = unit(_near_clusters(1024, count, 0.06, bench.device).astype(np.float32))
    exact = ExactOnGpu(
        count,
        DIMENSION,
        lambda numbers: rows[numbers].astype(np.float32),
        device=str(bench.device),
        scratch=SCRATCH,
    )
    print(f"{count} x {DIMENSION} in clusters, made in {time.perf_counter() - start:.0f} s", flush=True)
    truth = exact.search(questions, 10, None).rows
    _tell(bench, "torch, exact", exact, questions, truth)
    exact.close()
    with tempfile.TemporaryDirectory() as scratch:
        path, start = Path(scratch) / "index.faiss", time.perf_counter()
        built = build(
            path, Source(count, DIMENSION, lambda: _batches(rows)), "flat" if of_file == "flat" else "ivf"
        )
        print(f"  {built.kind} built on the host in {time.perf_counter() - start:.0f} s", flush=True)
        file = FaissFile(path, built.effort)
        for kind in kinds:
            _try(bench, kind, file, questions, truth)


def _try(bench: Bench, kind: Kind, file: FaissFile, questions: Vectors, truth: Ids) -> None:
    start = time.perf_counter()
    try:
        resident = FaissOnGpu(file, kind, scratch=SCRATCH)
    except DeviceProblem as error:
        print(f"  FAISS {kind}: {error}")
        return
    print(f"  FAISS {kind}: on the GPU in {time.perf_counter() - start:.0f} s", flush=True)
    _tell(bench, f"FAISS {kind}", resident, questions, truth)
    resident.close()


def _tell(bench: Bench, name: str, resident: Resident, questions: Vectors, truth: Ids) -> None:
    found = resident.search(questions, 10, None).rows
    right = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    one = bench.seconds(lambda: resident.search(questions[:1], 10, None))
    many = bench.seconds(lambda: resident.search(questions[:256], 10, None))
    print(
        f"  {name}: recall@10 {right:.4f}, one query {1000 * one:.2f} ms, 256 at once {256 / many:.0f} queries/s",
        flush=True,
    )


def _near_clusters(count: int, seed: int, spread: float, device: torch.device) -> np.ndarray:
    """Clusters of clusters, each stretched along its own directions, with noise in all directions; fp16."""
    fixed = torch.Generator(device).manual_seed(0)
    chance = torch.Generator(device).manual_seed(seed + 1)
    coarse, fine, along = (
        torch.randn((many, DIMENSION), generator=fixed, device=device) for many in (500, 40, 48)
    )
    first, second = (torch.randint(0, n, (count,), generator=chance, device=device) for n in (500, 40))
    inside = torch.randn((count, 48), generator=chance, device=device) @ along / 48**0.5
    noise = torch.randn((count, DIMENSION), generator=chance, device=device)
    made = coarse[first] + 0.7 * fine[second] + 0.8 * inside + spread * DIMENSION**0.5 * noise
    found: np.ndarray = torch.nn.functional.normalize(made, dim=1).half().cpu().numpy()
    return found


def _batches(rows: np.ndarray) -> Iterator[tuple[Ids, Vectors]]:
    for start in range(0, len(rows), 8192):
        part = rows[start : start + 8192]
        yield np.arange(start, start + len(part), dtype=np.int64), part.astype(np.float32)
