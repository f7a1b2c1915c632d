"""What the second stage adds to a search: time of one with and without it, in turns, over indexes of two sizes.

The vectors are synthetic, in clusters, and their biases random; index and photos are those of a published generation.
About two minutes; the limit is for two cores.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.stores import DIMENSION, clustered
from indexer import Filter, Published
from indexer.generations.manifest import FORMAT, Manifest
from indexer.generations.photos import PHOTOS_FILE, Photos, PhotosWriter
from indexer.stores import Ids, Source
from indexer.stores.biased import BiasedStore, widened
from indexer.stores.registry import Stores
from model.bank import KINDS
from model.modality import Modality, Vectors, unit
from model.rerankers import Question, Reranker
from model.rerankers.collection import Collection
from model.rerankers.plain import FirstStage
from service.search.query import Query
from service.search.reranking import find

COUNTS = (10_000, 100_000)
TURNS, WARM_UP = 300, 20
_SHARE = 100
_LIMIT = "limit: 3 ms at 100000 photos"


def main() -> None:
    questions = [
        Question(vector, kinds={Modality.SKETCH: 1.0}) for vector in unit(clustered(TURNS, 10**6, 0.06))
    ]
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as scratch:
            library = _published(Path(scratch), count)
            try:
                _compare(library, questions, "", None)
                _compare(library, questions, f", filter of {100 // _SHARE} %", Filter(camera="rare"))
            finally:
                library.close()


def _compare(library: Published, questions: list[Question], note: str, where: Filter | None) -> None:
    query = Query(parts=(), where=where)
    first, second = FirstStage(None), Collection(None)
    plain, full = _in_turns(
        questions, lambda question: _ask(library, question, query, first),
        lambda question: _ask(library, question, query, second),
    )  # fmt: skip
    added = [more - less for less, more in zip(plain, full, strict=True)]
    print(f"{len(library)} photos, {library.manifest.store}{note}")
    print(f"  first stage alone, 20 photos    {_percentiles(plain)}")
    print(f"  collection, 20 of {second.depth} photos    {_percentiles(full)}")
    print(f"  added                           {_percentiles(added)}   {_LIMIT}")


def _ask(library: Published, question: Question, query: Query, reranker: Reranker) -> None:
    assert len(find(library, question, query, reranker).ranked) == query.k


def _in_turns(questions: list[Question], *works: Callable[[Question], None]) -> list[list[float]]:
    """Milliseconds of each work for each question: one after the other, so that both meet the same load."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(-WARM_UP, len(questions)):
        # Each is the first as often as the others: whoever comes first finds colder caches.
        for place in range(len(works)):
            number = (place + turn) % len(works)
            start = time.perf_counter()
            works[number](questions[turn])
            if turn >= 0:
                taken[number].append(1000 * (time.perf_counter() - start))
    return taken


def _percentiles(taken: list[float]) -> str:
    return f"p50 {statistics.median(taken):6.2f} ms   p95 {statistics.quantiles(taken, n=20)[-1]:6.2f} ms"


def _published(folder: Path, count: int) -> Published:
    """As if it had been published, but for near-duplicates, which would take minutes to find."""
    ids = np.arange(1, count + 1, dtype=np.int64) * 7919
    vectors = unit(clustered(count, 0, 0.03))
    chance = np.random.default_rng(2)
    biases = np.zeros((count, len(KINDS)), dtype=np.float32)
    biases[:, :2] = chance.uniform(0.1, 0.4, (count, 2))
    backend = Stores()["faiss"]
    source = Source(count, DIMENSION, lambda: _batches(ids, vectors))
    built = backend.build(folder, widened(source, lambda some, _: biases[some // 7919 - 1]), "flat")
    writer = PhotosWriter(folder / PHOTOS_FILE)
    writer.add(
        (int(number), "/photos", f"{number:012}.jpg", f"{number:032x}", 640, 480, None,
         "rare" if place % _SHARE == 0 else "common", None, None, None)
        for place, number in enumerate(ids)
    )  # fmt: skip
    writer.finish()
    manifest = Manifest(
        FORMAT, "bench", "", "bench", "bench", DIMENSION, built.kind, count, 0, {}, bank="bench"
    )
    store = BiasedStore(backend.open(folder, built), DIMENSION, biased=True)
    return Published(folder, manifest, store, Photos(folder / PHOTOS_FILE))


def _batches(ids: Ids, vectors: Vectors) -> Iterator[tuple[Ids, Vectors]]:
    for start in range(0, len(ids), 8192):
        yield ids[start : start + 8192], vectors[start : start + 8192]
