"""Scan and plan alone, of a library that is known already: python -m bench.scanning [--photos 100000]."""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from indexer.catalogue import Catalogue
from indexer.metadata import Metadata
from indexer.plan import RulesChange, count, make_plans
from indexer.scan import ScanRules, scan

T = TypeVar("T")
_FINGERPRINT = "bench"


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


def _measure(catalogue: Catalogue, root: Path, index: Path, photos: int) -> None:
    _told("limit: os.walk and a stat of each file", lambda: _walk(root))
    rules = ScanRules(exclude=("*.tmp", "trash/", "!keep.tmp"), include=("*.jpg", "*.png"))
    found = _told("scan", lambda: scan(root)).found
    _told("scan with five patterns", lambda: scan(root, rules))
    catalogue.begin()
    for row, photo in enumerate(found):
        catalogue.add_vector(photo.relative, _FINGERPRINT, 1, row, (1, 1))
        catalogue.record(photo, content=photo.relative, metadata=Metadata())
    catalogue.commit()
    for photo in found[::100]:
        os.utime(photo.path, (1, 1))
    plans = _told(
        "scan and plan, 1 % changed",
        lambda: make_plans(
            catalogue, [root], _FINGERPRINT, index=index, change=RulesChange(), accept_deletions=False
        ),
    )
    _told("count", lambda: count(plans, set(), set()))
    assert len(plans.work) == len(found[::100]), photos


def _walk(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            total += os.lstat(f"{folder}/{name}").st_size
    return total


def _told(what: str, call: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = call()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return result


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
