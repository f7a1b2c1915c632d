"""A run over a library of which 1 % has changed, or nothing: python -m bench.reindex [--photos 100000] [--profile].

The processor time of this process and its decoders, by step. The library is made up: vectors are random, and only the
changed photos are pictures; a random vector stands in for the encoder, so that everything else can be seen.
"""

import argparse
import cProfile
import os
import pstats
import resource
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.indexing import Cheap
from indexer import Silent, run
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Root
from indexer.decoding.metadata import Metadata
from indexer.decoding.thumbnails import write_thumbnail
from indexer.duplicates.signatures import BYTES as LOOK
from indexer.folders.scan import Found, scan
from indexer.locking.opening import CATALOGUE
from indexer.shards.shard import Origin, ShardWriter, vectors_folder
from model import Encoder
from model.modality import unit

_SHARE, _FOLDER, _ROUNDS = 100, 1000, 3


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reindex", description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true", help="Also print where the time goes.")
    options = parser.parse_args(arguments)
    taken = changed(options.photos, _ROUNDS, profile=options.profile)
    print(f"1 % changed: median {statistics.median(taken):.2f} s CPU   goal: 4 s")


def changed(photos: int, rounds: int, *, profile: bool = False) -> list[float]:
    """Processor seconds of each of so many runs, for each of which a hundredth of the photos has changed."""
    encoder = Cheap(Encoder.load("lite", engine="openvino"), every=0)
    with tempfile.TemporaryDirectory() as scratch:
        root, index = Path(scratch) / "photos", Path(scratch) / "index"
        make_library(root, index, encoder, photos)
        before = processor_time()
        run(index, [root], encoder, Silent())
        print(f"{photos} photos: the first publication takes {processor_time() - before:.2f} s CPU")
        times = []
        for number in range(rounds):
            change(root, photos, number)
            before = processor_time()
            report = run(index, [root], encoder, Silent())
            times.append(processor_time() - before)
            spent = ", ".join(f"{name} {value:.2f} s" for name, value in report.spent.items())
            print(
                f"{report.changed} changed: {times[-1]:.2f} s CPU, load {os.getloadavg()[0]:.1f}; wall: {spent}"
            )
        before = processor_time()
        run(index, [root], encoder, Silent())
        print(f"nothing changed: {processor_time() - before:.2f} s CPU, load {os.getloadavg()[0]:.1f}")
        if profile:
            change(root, photos, rounds)
            _profile(index, root, encoder)
        return times


def make_library(root: Path, index: Path, encoder: Cheap, photos: int) -> None:
    """Empty files, and the catalogue, vectors, and thumbnails that a run over as many pictures leaves."""
    index.mkdir()
    for number in range(photos):
        if number % _FOLDER == 0:
            (root / f"{number // _FOLDER:04}").mkdir(parents=True)
        _path(root, number).touch()
    with Catalogue(index / CATALOGUE) as catalogue:
        _fill(catalogue, scan(root).found, index, Origin.of(encoder))  # type: ignore[arg-type]


def change(root: Path, photos: int, salt: int) -> None:
    """Replace every hundredth file by a small picture of its own."""
    chance = np.random.default_rng(salt)
    for number in range(0, photos, _SHARE):
        pixels = chance.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(_path(root, number), quality=90)


def processor_time() -> float:
    """Seconds of all cores that this process and those that it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _path(root: Path, number: int) -> Path:
    return root / f"{number // _FOLDER:04}" / f"{number}.jpg"


def _fill(catalogue: Catalogue, found: Sequence[Found], index: Path, origin: Origin) -> None:
    chance, thumbnail = np.random.default_rng(0), b"\0" * 2000
    catalogue.begin()
    catalogue.remember_root(found[0].root, Root())
    with ShardWriter(vectors_folder(index, origin.fingerprint), origin.dimension) as shard:
        for start in range(0, len(found), 4096):
            part = found[start : start + 4096]
            names = [chance.bytes(16).hex() for _ in part]
            rows = unit(chance.standard_normal((len(part), origin.dimension), dtype=np.float32))
            for photo, place in zip(part, shard.append(names, rows), strict=True):
                catalogue.add_vector(origin.fingerprint, place, (640, 480), chance.bytes(LOOK))
                size = write_thumbnail(index / "thumbnails", place.content, thumbnail).stat().st_size
                catalogue.record(photo, content=place.content, metadata=Metadata(), thumbnail=size)
    catalogue.commit()


def _profile(index: Path, root: Path, encoder: Cheap) -> None:
    profile = cProfile.Profile()
    profile.runcall(run, index, [root], encoder, Silent())  # type: ignore[arg-type]
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
