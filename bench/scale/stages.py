"""One stage of the benchmark, in a process of its own: python -m bench.scale.stages STAGE INDEX [COUNT].

Prints what it is doing, a line for each step, and figures as lines of JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench.scale import library
from bench.stores import clustered
from indexer import Published
from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.generations.healing import heal_vectors
from indexer.jobs.finishing import clean_up, fill_in_colours, publish_if_needed
from indexer.jobs.inspection import inspect
from indexer.library import shelf
from indexer.locking.opening import CATALOGUE, locked
from indexer.reports.progress import Silent
from indexer.reports.report import Report
from indexer.values import Filter
from model.modality import unit


class _Told(Silent):
    """Tells the parent process each step once."""

    last = ""

    def step(self, name: str, done: int, total: int) -> None:
        if name != self.last:
            self.last = name
            said(name)


def said(step: str) -> None:
    print(f"step {step}", flush=True)


def figures(**found: object) -> None:
    print(json.dumps(found), flush=True)


def make(index: Path, count: int) -> None:
    library.make(index, count)


def change(index: Path, count: int) -> None:
    with Catalogue(index / CATALOGUE) as catalogue:
        library.change(catalogue, index, count, os.getpid())


def publish(index: Path, _: int) -> None:
    """All that a run does once it has embedded what is new, but for sealing the catalogue."""
    report, reporter = Report(), _Told()
    with locked(index), Catalogue(index / CATALOGUE) as catalogue:
        said("checking vectors")
        heal_vectors(index, library.ORIGIN, catalogue)
        said("colours")
        fill_in_colours(catalogue)
        said("photos")
        collection = Collection(index, library.ORIGIN, catalogue)
        publish_if_needed(shelf(index), collection, report, reporter, index_type=None, keep=2)
        said("cleaning up")
        clean_up(index, library.ORIGIN, catalogue)
    folder = index / "generations" / report.generation
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    figures(photos=report.photos, store=shelf(index).manifest(report.generation).store, bytes=sizes)


def search(index: Path, _: int) -> None:
    said("opening")
    opened = Published.open(index, library.ORIGIN.fingerprint)
    said("searching")
    queries = unit(clustered(60, 10**9, 0.06))
    filters = {
        "all": None,
        "one year's folders": Filter(folder="2007"),
        "one camera": Filter(camera="Pixel 8"),
        "one day": Filter(after="2011-03-03", before="2011-03-04"),
    }
    for name, where in filters.items():
        first, *times = [
            _seconds(partial(opened.search, query, 20, where=where, fold_duplicates=True))
            for query in queries
        ]
        figures(search=name, first_ms=1000 * first, median_ms=1000 * float(np.median(times)))
    said("browsing")
    figures(
        facets_s=_seconds(opened.facets),
        timeline_s=_seconds(opened.timeline),
        page_s=_seconds(opened.listing),
        folded=opened._photos.ask("SELECT count(duplicate_of) FROM photos")[0][0],
    )
    opened.close()


def verify(index: Path, _: int) -> None:
    said("inspecting")
    found = inspect(index)
    figures(findings=len(found), of=sorted({finding.what.split(":")[0] for finding in found}))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    STAGES = {"make": make, "change": change, "publish": publish, "search": search, "verify": verify}
    STAGES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
