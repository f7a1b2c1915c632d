"""python -m bench scale [--photos N] [--folder FOLDER]: publish a made-up library of N photos in bounded memory.

Publishes it, changes one photo in a hundred, publishes again, opens, searches and browses it, and verifies every byte:
each in a process of its own that may allocate 8 GiB. Mapped files do not count, as the system takes them back when
others need the memory. Ten million photos need 60 GB of disk; --folder keeps the library for another run.
"""

import argparse
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.scale.watched import Watched, load, watch
from bench.stores import DIMENSION
from bench.timing import processor

STAGES = ("publish", "change", "publish", "search", "verify")
_MB, _GB = 1e6, 1e9


def main(arguments: Sequence[str] = ()) -> None:
    options = _options(arguments)
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = folder / f"scale-{options.photos}"
        print(
            f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}; {options.photos} photos of "
            f"{DIMENSION} dimensions, at most {options.limit:g} GiB; load {load()}"
        )
        if not index.exists():
            _stage("make", index, options.photos, options.limit)
        for stage in options.stages or STAGES:
            _stage(stage, index, options.photos // 300 if stage == "change" else 0, options.limit)
        print(f"{shutil.disk_usage(folder).free / _GB:.0f} GB of disk are free")


def _stage(stage: str, index: Path, count: int, limit: float) -> None:
    before = load()
    found = watch(["bench.scale.stages", stage, str(index), str(count)], int(limit * 2**30))
    print(
        f"-- {stage}: {found.seconds:.1f} s, own memory {found.own / _MB:.0f} MB, with mapped files "
        f"{found.resident / _MB:.0f} MB; load {before} to {load()}; {_size(index) / _GB:.2f} GB on disk",
        flush=True,
    )
    _details(found)


def _details(found: Watched) -> None:
    for step in found.steps:
        print(
            f"   {step.name:<20}{step.seconds:8.1f} s   own {step.own / _MB:6.0f} MB   "
            f"resident {step.resident / _MB:6.0f} MB"
        )
    for figures in found.figures:
        print("   " + ", ".join(f"{name} {_text(value)}" for name, value in figures.items()), flush=True)


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=f"among {', '.join(dict.fromkeys(STAGES))}"
    )
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to keep the library; otherwise it is removed")
    parser.add_argument("--limit", type=float, default=8.0, metavar="GIB", help="own memory of a process")
    options = parser.parse_args(arguments)
    if unknown := set(options.stages) - set(STAGES):
        parser.error(f"no stage {', '.join(sorted(unknown))}: choose from {', '.join(dict.fromkeys(STAGES))}")
    return options
