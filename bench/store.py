"""A library on a Milvus server beside the same in an index folder: publication, searches, recall, switches, changes.

SKETCHSEEK_BENCH_PHOTOS (500000) made-up photos with vectors near those of the shipped model's bank, and
SKETCHSEEK_BENCH_STORE, the address of a server; without one, that of PyPI is started here, on the same cores.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.scale import library
from bench.scale.stages import figures, said
from bench.scale.watched import Watched, load, watch
from bench.serving import drawing, near_bank, running
from bench.serving import load as callers
from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.library import Shelf, shelf
from indexer.locking.opening import CATALOGUE, locked
from indexer.remote.shelf import RemoteShelf
from indexer.shards.shard import Origin
from indexer.stores import OnStep
from indexer.values import Filter
from model import Encoder

_LIMIT = 8 * 2**30
_SECONDS = 20.0
_SWITCHES, _READERS, _SMALL = 20, 3, 2000


def main() -> None:
    photos = int(os.environ.get("SKETCHSEEK_BENCH_PHOTOS", "500000"))
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")))
        )
        address = os.environ.get("SKETCHSEEK_BENCH_STORE") or stack.enter_context(_own_server(folder))
        index = folder / "index"
        _tell("make", watch(["bench.store", "make", str(index), str(photos)], _LIMIT))
        kept = _tell("publish to the folder", watch(["bench.store", "publish", str(index)], _LIMIT))
        sent = _tell("publish to the server", watch(["bench.store", "publish", str(index), address], _LIMIT))
        upload = next(step for step in sent.steps if step.name == "uploading")
        print(
            f"upload {photos / upload.seconds:.0f} rows/s   goal: 5000; own memory {sent.own / 1e6:.0f} MB "
            f"(folder {kept.own / 1e6:.0f} MB)   goal: 600"
        )
        _searches(index, address)
        _changes(index, f"{address}_live", photos)
        print(
            f"{_SWITCHES} switches under {_READERS} readers: {_switches(folder, address)}   goal: no error, no mix"
        )


def _tell(what: str, found: Watched) -> Watched:
    print(f"-- {what}: {found.seconds:.1f} s, own memory {found.own / 1e6:.0f} MB; load {load()}")
    for step in found.steps:
        print(f"   {step.name:<20}{step.seconds:8.1f} s   own {step.own / 1e6:6.0f} MB")
    for line in found.figures:
        print("   " + ", ".join(f"{name} {value}" for name, value in line.items()), flush=True)
    return found


def _searches(index: Path, address: str) -> None:
    """POST /search through services of both, with the shipped model and a drawing."""
    png, command = drawing(), [sys.executable, "-m", "service.cli", "serve", "--index", str(index)]
    for rank in ("plain", "all"):
        found = {}
        for name, options in (("folder", []), ("server", ["--store", address])):
            with running([*command, *options, "--rank", rank, "--no-browser", "--port"]) as server:
                while '"ready":true' not in server.get("/readyz").replace(" ", ""):
                    time.sleep(0.1)
                found[name] = callers(server.port, png, 1, _SECONDS)
                print(f"/search rank={rank}, {name}: {found[name]}; load {load()}")
        print(f"   p50 {found['server'].p50 / found['folder'].p50:.2f} x   goal: 1.5")


def _switches(folder: Path, address: str) -> str:
    """Readers search all the time, as services do, while generations of two sizes replace each other."""
    sizes, names = (_SMALL, _SMALL + 100), []
    kept_on = _shelf(address.rsplit("/", 1)[0] + "/switches")
    for number, photos in enumerate(sizes):
        library.make(folder / f"small{number}", photos, _kind())
        names.append(_publish(folder / f"small{number}", kept_on))
    stop, errors, mixed, searched = threading.Event(), [], [], []
    query = _encoder().texts(["a cup"])
    fits = dict(zip(names, sizes, strict=True))

    def read() -> None:
        own = _shelf(kept_on.address)
        opened = own.open(kept_on.manifest(names[0]).fingerprint)
        while not stop.is_set():
            try:
                if own.identity() != opened.identity:
                    opened = own.open(opened.manifest.fingerprint)
                hits = opened.search(query, 10)
                searched.append(len(hits))
                if len(hits) != 10 or opened.count(Filter(folder="")) != fits[opened.manifest.generation]:
                    mixed.append(opened.manifest.generation)
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(_READERS)]
    for reader in readers:
        reader.start()
    taken = []
    for number in range(_SWITCHES):
        time.sleep(0.3)
        start = time.perf_counter()
        kept_on.database.point("current", names[number % 2])
        taken.append(1000 * (time.perf_counter() - start))
    stop.set()
    for reader in readers:
        reader.join()
    said = f"{len(searched)} searches, {len(errors)} errors, {len(mixed)} mixed"
    return (
        f"{said}; a switch takes {statistics.median(taken):.0f} ms{': ' + str(errors[0]) if errors else ''}"
    )


def _changes(index: Path, address: str, photos: int) -> None:
    """A live library, of which one photo in a hundred is added, replaced, or removed."""
    whole = _tell("publish live", watch(["bench.store", "live", str(index), address], _LIMIT))
    _tell("change the photos", watch(["bench.store", "change", str(index), str(photos // 300)], _LIMIT))
    changed = _tell("publish the change", watch(["bench.store", "live", str(index), address], _LIMIT))
    print(
        f"change {changed.seconds:.1f} s, whole {whole.seconds:.1f} s, {changed.seconds / whole.seconds:.2f} x"
    )


def _publish(index: Path, kept_on: Shelf, *, live: bool | None = None) -> str:
    with (
        locked(index),
        Catalogue(index / CATALOGUE) as catalogue,
        kept_on.writing() if isinstance(kept_on, RemoteShelf) else ExitStack(),
    ):
        facts = kept_on.publish(Collection(index, _kind().origin, catalogue), live=live, on_step=_step())
        if isinstance(kept_on, RemoteShelf):
            print_measured(kept_on, facts.generation)
        return facts.generation


def print_measured(kept_on: RemoteShelf, generation: str) -> None:
    found = kept_on.manifest(generation).measured
    figures(
        index=found.kind,
        recall=found.recall,
        filtered=found.filtered_recall,
        efforts=" ".join(f"{share:g}:ef{effort}={recall:.3f}" for share, effort, recall in found.efforts),
    )


def _step() -> OnStep:
    last = ""

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if what != last:
            last = what
            said(what)

    return tell


def _shelf(address: str) -> RemoteShelf:
    kept_on = shelf(address)
    assert isinstance(kept_on, RemoteShelf)
    kept_on.grace = None
    return kept_on


def _encoder() -> Encoder:
    return Encoder.load("lite")


def _kind() -> library.Kind:
    encoder = _encoder()
    bank = encoder.bank
    assert bank is not None
    origin = Origin(encoder.card.name, encoder.fingerprint, encoder.dimension)
    return library.Kind(origin, lambda: bank, lambda count, seed: near_bank(encoder, count, seed))


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    from tests.kit.engines.milvus import MilvusServer

    with MilvusServer(folder / "milvus") as server:
        yield server.milvus.address("bench")


def _child(stage: str, index: Path, more: str = "") -> None:
    if stage == "make":
        library.make(index, int(more), _kind())
    elif stage == "change":
        with locked(index), Catalogue(index / CATALOGUE) as catalogue:
            library.change(catalogue, index, int(more), 1, _kind())
    else:
        _publish(index, _shelf(more) if more else shelf(index), live=stage == "live" or None)


if __name__ == "__main__":
    _child(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
