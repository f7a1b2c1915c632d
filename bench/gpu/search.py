"""Exact search on the GPU: one query, compared with the time to read all vectors once, and batches."""

import time

import numpy as np
import torch

from bench.gpu.command import Bench
from indexer.stores import Rows
from indexer.stores.gpu.exact import ExactOnGpu
from indexer.stores.gpu.opener import SCRATCH
from model.modality import Vectors, unit

DIMENSION = 512
COUNT, SMALL = 10_000_000, 5_000


def main(bench: Bench) -> None:
    count = SMALL if bench.small else COUNT
    start = time.perf_counter()
    store = ExactOnGpu(count, DIMENSION, made, device=str(bench.device), scratch=SCRATCH)
    size = 2 * count * DIMENSION
    print(f"{count} x {DIMENSION} fp16, {size / 1e9:.2f} GB, loaded in {time.perf_counter() - start:.0f} s")
    queries = asked(1024)
    # A copy reads and writes; a scan only reads, at up to twice the rate of bytes read by a copy.
    floor = size / bench.bandwidth
    for batch in (1, 16, 256):
        part = queries[:batch]
        seconds = bench.seconds(lambda part=part: store.search(part, 10, None))  # type: ignore[misc]
        print(
            f"  {batch:4d} queries: {1000 * seconds:8.2f} ms, {batch / seconds:9.0f} queries/s, "
            f"{seconds / floor:6.2f} x (bytes / copy bandwidth)" + ("   limit: 1.5 x" if batch == 1 else ""),
            flush=True,
        )
    for share in (0.5, 0.01):
        among = Rows.of(np.arange(0, count, int(1 / share)), count)
        seconds = bench.seconds(lambda among=among: store.search(queries[:1], 10, among))  # type: ignore[misc]
        print(f"  1 query among {share:4.0%}: {1000 * seconds:8.2f} ms")
    few = queries[:32]
    print(
        f"  recall@10 against float32 products, {len(few)} queries: {_recall(store, few, count):.4f}   limit: 1.0"
    )


def made(numbers: np.ndarray) -> Vectors:
    """Unit vectors for rows; a block of rows is the same on every call."""
    dice = torch.Generator().manual_seed(int(numbers[0]))
    return unit(torch.randn((len(numbers), DIMENSION), generator=dice).numpy())


def asked(count: int) -> Vectors:
    return unit(np.random.default_rng(7).standard_normal((count, DIMENSION)).astype(np.float32))


def _recall(store: ExactOnGpu, queries: Vectors, count: int) -> float:
    found = store.search(queries, 10, None).rows
    best, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start in range(0, count, 65_536):
        numbers = np.arange(start, min(start + 65_536, count))
        # As they are stored.
        exact = queries @ made(numbers).astype(np.float16).astype(np.float32).T
        best = np.concatenate([best, exact], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(numbers, exact.shape)], axis=1)
        order = np.argpartition(-best, 9, axis=1)[:, :10]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return float(np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.tolist(), rows.tolist(), strict=True)]))
