"""python -m bench speed [PART...] [--photos 1000000] [--out docs/speed.md]: all figures of the speed page, in one run.

Each figure stands beside a peer or a limit that was measured in the same run, on the same cores. With --out, the page's
tables and pictures are written anew. About ten minutes on an idle machine; ten million photos need 30 GB of disk and
an hour.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.speed.answers import answers
from bench.speed.figures import Results
from bench.speed.page import write
from bench.speed.runs import indexing, reindexing
from bench.speed.scans import SIZES, scans
from bench.speed.starts import page, starts
from bench.timing import processor
from model import Encoder

PARTS = ("scan", "search", "index", "reindex", "start", "page")
_PACKAGES = ("openvino", "faiss-cpu", "torch", "open_clip_torch")


def main(arguments: Sequence[str] = ()) -> None:
    options = _options(arguments)
    results = Results()
    encoder = Encoder.load("lite", engine="openvino")
    parts: dict[str, Callable[[], None]] = {
        "scan": lambda: scans(results, encoder, options.photos),
        "search": lambda: answers(results, encoder),
        "index": lambda: indexing(results),
        "reindex": lambda: reindexing(results),
        "start": lambda: starts(results),
        "page": lambda: page(results),
    }
    begun, busy = time.perf_counter(), []
    for part in options.parts or PARTS:
        print(f"-- {part}; load {os.getloadavg()[0]:.1f}", flush=True)
        parts[part]()
        busy.append(os.getloadavg()[0])
    minutes = (time.perf_counter() - begun) / 60
    print(f"{minutes:.1f} minutes")
    if options.out:
        results.conditions.append(_conditions(minutes, busy))
        write(results, options.out)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--photos", type=int, default=1_000_000, choices=SIZES, metavar="N",
        help="the largest library that is scanned: a power of ten from 1000 to 10000000",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="the page whose tables and pictures to write")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - {*PARTS}:
        parser.error(f"no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    return options


def _conditions(minutes: float, busy: Sequence[float]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{time.strftime('%d %B %Y').lstrip('0')}, {processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {packages}; {minutes:.0f} minutes, "
        f"load {min(busy):.1f} to {max(busy):.1f} (the benchmark itself makes one to two)."
    )
