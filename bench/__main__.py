"""python -m bench [NAME...]: run all quick benchmarks, or those named. For GPUs, see python -m bench gpu --help."""

import importlib
import os
import platform
import sys
from pathlib import Path

NAMES = ("encode", "start", "index")
# These take minutes, so they run only if named.
SLOW = (
    "indexing", "codes", "scanning", "reindex", "page", "timeline", "firstrun", "service", "stores", "secondstage"
)  # fmt: skip


def main() -> None:
    names = sys.argv[1:] or NAMES
    if names[0] == "gpu":
        importlib.import_module("bench.gpu.command").main(list(names[1:]))
        return
    unknown = set(names) - {*NAMES, *SLOW}
    if unknown:
        sys.exit(
            f"unknown benchmark {', '.join(sorted(unknown))}: choose from {', '.join((*NAMES, *SLOW, 'gpu'))}"
        )
    print(
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    for name in names:
        print(f"\n== {name}")
        importlib.import_module(f"bench.{name}").main()


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
