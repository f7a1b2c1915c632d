"""Metrics at the size of QuickDraw-Ext, 92,291 x 54,151, on synthetic vectors: rate and peak memory.

python bench/metrics.py
python bench/metrics.py --queries 2000 --gallery 54151 --dimension 384
"""

import argparse
import os
import platform
import resource
import sys
import time

import numpy as np

from model.evaluation.metrics import measure

CLASSES = 30


def main() -> None:
    options = _options()
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, options.dimension), dtype=np.float32)

    def vectors(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count, dtype=np.int32) % CLASSES
        found = np.empty((count, options.dimension), dtype=np.float32)
        for start in range(0, count, 8192):
            part = labels[start : start + 8192]
            noise = rng.standard_normal((len(part), options.dimension), dtype=np.float32)
            raw = centres[part] + options.noise * noise
            found[start : start + 8192] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return found, labels

    queries, asked = vectors(options.queries)
    gallery, shown = vectors(options.gallery)
    before = _peak()
    start = time.perf_counter()
    means = measure(queries, gallery, asked, shown).means()
    seconds = time.perf_counter() - start
    print(f"{options.queries} queries x {options.gallery} photos x {options.dimension}, {CLASSES} classes")
    print(f"{seconds:.1f} s: {options.queries / seconds:.0f} queries/s")
    print(f"peak memory {_peak() / 2**30:.2f} GiB, of which {before / 2**30:.2f} GiB before measuring")
    print(" ".join(f"{name} {value:.4f}" for name, value in means.items()))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{platform.machine()}, {cores} cores, numpy {np.__version__}, Python {platform.python_version()}")


def _peak() -> int:
    """Bytes; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=92291)
    parser.add_argument("--gallery", type=int, default=54151)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--noise", type=float, default=4.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
