"""What a run does before it reads a photo of a known library: python -m bench.scanning [--photos 100000]."""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from indexer.catalogue.database import Catalogue
from indexer.decoding.metadata import Metadata
from indexer.decoding.thumbnails import write_thumbnail
from indexer.folders.scan import Found, ScanRules, scan
from indexer.jobs.plan import RulesChange, count, make_plans
from indexer.jobs.sweeping import sweep
from indexer.sealing import describe_file
from indexer.shards.damage import damaged_rows
from indexer.shards.shard import Origin, ShardWriter, vectors_folder
from model.modality import unit

T = TypeVar("T")
_FINGERPRINT, _DIMENSION = "bench", 512


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench scanning")
    parser.add_argument("--photos", type=int, default=100_000)
    photos: int = parser.parse_args(arguments).photos
    with tempfile.TemporaryDirectory() as scratch:
        root, index = Path(scratch) / "photos", Path(scratch) / "index"
        index.mkdir()
        for number in range(photos):
            folder = root / f"{number // 1000:04}"
            if number % 1000 == 0:
                folder.mkdir(parents=True)
            (folder / f"{number}.jpg").touch()
        print(f"{photos} empty files in {photos // 1000} folders, page cache warm, one thread")
        with Catalogue(index / "catalogue.sqlite") as catalogue:
            _measure(catalogue, root, index, photos)
        _print("hash of the catalogue", lambda: describe_file(index / "catalogue.sqlite"))


def _measure(catalogue: Catalogue, root: Path, index: Path, photos: int) -> None:
    _print("limit: os.walk and a stat of each file", lambda: _walk(root))
    rules = ScanRules(exclude=("*.tmp", "trash/", "!keep.tmp"), include=("*.jpg", "*.png"))
    found = _print("scan", lambda: scan(root)).found
    _print("scan with five patterns", lambda: scan(root, rules))
    _fill(catalogue, found, index)
    origin = Origin("bench", _FINGERPRINT, _DIMENSION)
    _print("checksums of all vectors", lambda: list(damaged_rows(origin.vectors_in(index), catalogue)))
    _print("thumbnails listed", lambda: sweep(catalogue, index / "thumbnails"))
    for photo in found[::100]:
        os.utime(photo.path, (1, 1))
    plans = _print(
        "scan and plan, 1 % changed",
        lambda: make_plans(
            catalogue, [root], _FINGERPRINT, index=index, change=RulesChange(), accept_deletions=False
        ),
    )
    _print("count", lambda: count(plans, set(), set()))
    assert len(plans.work) == len(found[::100]), photos


def _fill(catalogue: Catalogue, found: Sequence[Found], index: Path) -> None:
    """Vectors of the shipped model's width, and thumbnails of the usual size."""
    chance, thumbnail = np.random.default_rng(0), b"\0" * 8000
    catalogue.begin()
    with ShardWriter(vectors_folder(index, _FINGERPRINT), _DIMENSION) as shard:
        for start in range(0, len(found), 4096):
            part = found[start : start + 4096]
            names = [f"{chance.integers(2**62):032x}"[::-1] for _ in part]
            rows = unit(chance.standard_normal((len(part), _DIMENSION), dtype=np.float32))
            for photo, place in zip(part, shard.append(names, rows), strict=True):
                catalogue.add_vector(_FINGERPRINT, place, (1, 1))
                size = write_thumbnail(index / "thumbnails", place.content, thumbnail).stat().st_size
                catalogue.record(photo, content=place.content, metadata=Metadata(), thumbnail=size)
    catalogue.commit()


def _walk(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            total += os.lstat(f"{folder}/{name}").st_size
    return total


def _print(what: str, call: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = call()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return result


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
