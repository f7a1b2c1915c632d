"""Indexing: decoding, encoding, both, and a plain loop; then memory, and a run with little to do.

python -m bench indexing, or python -m bench.indexing [large] [small] [many] [again] [--photos FOLDER] for parts of it;
FOLDER contains photos from which to make the 12 MP ones.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from bench.steps import load, print_steps
from indexer import Silent, run
from indexer.decoding.workers import Workers
from indexer.reports.progress import Progress
from model import Encoder
from model.bank import Bank
from model.encoder import Encoded
from model.local.local import Local
from model.modality import Modality

PARTS = ("large", "small", "many", "again")
_DIFFERENT = 12


class Clock(Silent):
    """When embedding started, and its progress."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.ended = self.began
        self.progress = Progress(0)

    def begin(self, progress: Progress) -> None:
        self.began = time.perf_counter()

    def advance(self, progress: Progress) -> None:
        self.progress = progress

    def end(self) -> None:
        self.ended = time.perf_counter()


class Cheap:
    """The real encoder for one batch in eight, random vectors for the rest: for everything but encoding itself."""

    def __init__(self, encoder: Encoder, every: int = 8) -> None:
        self._encoder, self._every, self._calls = encoder, every, 0
        self._dice = np.random.default_rng(0)
        self.size, self.dimension, self.batch = encoder.size, encoder.dimension, encoder.batch
        self.card, self.fingerprint, self.preparation = encoder.card, encoder.fingerprint, encoder.preparation

    @property
    def bank(self) -> Bank | None:
        return self._encoder.bank

    @property
    def local(self) -> Local | None:
        return self._encoder.local

    def encode(self, pixels: Sequence[np.ndarray], kind: Modality) -> Encoded:
        return self._encoder.encode(pixels, kind) if self.local else Encoded(self.encode_photos(pixels))

    def encode_photos(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
        self._calls += 1
        if self._every and self._calls % self._every == 1:
            return self._encoder.encode_photos(pixels)
        rows = self._dice.standard_normal((len(pixels), self.dimension), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=[])
    parser.add_argument("--photos", type=Path)
    options = parser.parse_args(arguments)
    encoder = Encoder.load("lite", engine="openvino", in_bulk=True)
    for part in options.parts or PARTS:
        with tempfile.TemporaryDirectory() as scratch:
            if part == "large":
                rates(Path(scratch), encoder, (4000, 3000), 96, options.photos, goal=6)
            elif part == "small":
                rates(Path(scratch), encoder, (300, 225), 720, options.photos, goal=4)
            elif part == "many":
                many(Path(scratch), encoder, 20_000)
            else:
                again(Path(scratch), encoder, 100_000)


def rates(
    scratch: Path,
    encoder: Encoder,
    size: tuple[int, int],
    count: int,
    source: Path | None,
    goal: float,
    rounds: int = 3,
) -> dict[str, float]:
    """Photos a second, several rounds of each, alternating; the best one counts, since other work only slows it down.

    The ratio to the plain loop is also given round by round: each compares neighbours in time.
    """
    photos = make_photos(scratch / "photos", size, count, source)
    kilobytes = sum(path.stat().st_size for path in photos) / count / 1000
    print(f"\n{count} JPEGs of {size[0]} x {size[1]}, {kilobytes:.0f} kB each, {load()}")
    clock = Clock()

    def pipeline(round_: int) -> float:
        nonlocal clock
        clock = Clock()
        run(scratch / f"index {round_}", [scratch / "photos"], encoder, clock)
        return count / (clock.ended - clock.began)

    measured: dict[str, Callable[[int], float]] = {
        "decode alone": lambda round_: decode_only(photos, encoder, scratch / f"thumbnails {round_}"),
        "encode alone": lambda _: encode_only(encoder),
        "pipeline": pipeline,
        "plain loop": lambda _: plain_loop(photos[:: max(1, count // 24)]),
    }
    all_rounds = [{name: measure(round_) for name, measure in measured.items()} for round_ in range(rounds)]
    best = {name: max(one[name] for one in all_rounds) for name in measured}
    ratios = [one["pipeline"] / one["plain loop"] for one in all_rounds]
    slower = min(best["decode alone"], best["encode alone"])
    shared = 1 / (1 / best["decode alone"] + 1 / best["encode alone"])
    for name, rate in best.items():
        print(f"{name:14}{rate:8.1f} photos/s")
    shares = ", ".join(f"{part} {share:.0%}" for part, share in clock.progress.shares.items())
    print(f"pipeline: {best['pipeline'] / slower:.0%} of the slower of the two (goal: 90 %)")
    print(f"          {best['pipeline'] / shared:.0%} of {shared:.1f}, what both can reach on the same cores")
    print(
        f"          {best['pipeline'] / best['plain loop']:.1f} x the plain loop (goal: {goal:g} x); "
        f"median of the rounds {median(ratios):.1f} x; {load()}"
    )
    print(f"          {shares}")
    print_steps(photos[: 3 if size[0] > 1000 else _DIFFERENT], encoder, scratch / "steps")
    return best


def make_photos(folder: Path, size: tuple[int, int], count: int, source: Path | None = None) -> list[Path]:
    """Make JPEGs as cameras do: soft shapes, or enlarged photos, with grain. Few are drawn; tails make each unique."""
    folder.mkdir(parents=True)
    dice = np.random.default_rng(0)
    pictures = (
        sorted(source.rglob("*.jpg"))[:: max(1, len(list(source.rglob("*.jpg"))) // 20)] if source else []
    )
    written = []
    for number in range(min(count, _DIFFERENT)):
        if pictures:
            small = Image.open(pictures[number % len(pictures)]).convert("RGB")
        else:
            small = Image.fromarray(dice.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        pixels = np.asarray(small.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        pixels += dice.normal(0, 5, (*pixels.shape[:2], 1)).astype(np.int16)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "made.jpg", quality=90)
        data = (folder / "made.jpg").read_bytes()
        for copy in range(number, count, _DIFFERENT):
            written.append(folder / f"{copy:06}.jpg")
            written[-1].write_bytes(data + copy.to_bytes(4, "big"))
    (folder / "made.jpg").unlink()
    return written


def decode_only(photos: Sequence[Path], encoder: Encoder, thumbnails: Path) -> float:
    """The same processes as in a run, without encoding their results."""
    workers = Workers(encoder.size, thumbnails, how=encoder.preparation)

    def one(path: Path) -> None:
        workers.decode(workers.read(path.parent, path.name))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, photos[: 2 * (os.cpu_count() or 1)]))
        start = time.perf_counter()
        list(pool.map(one, photos))
        rate = len(photos) / (time.perf_counter() - start)
        workers.close()
    return rate


def encode_only(encoder: Encoder) -> float:
    batch = list(
        np.random.default_rng(0).integers(
            0, 256, (encoder.batch, encoder.size, encoder.size, 3), dtype=np.uint8
        )
    )
    encoder.encode_photos(batch)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < 3:
        encoder.encode_photos(batch)
        done += len(batch)
    return done / (time.perf_counter() - start)


def plain_loop(photos: Sequence[Path]) -> float:
    """The obvious loop: open, convert, resize, torch, one photo at a time."""
    encoder = Encoder.load("lite", engine="torch")
    encoder.photos([Image.new("RGB", (224, 224))])
    start = time.perf_counter()
    for path in photos:
        with Image.open(path) as image:
            encoder.photos([image.convert("RGB")])
    return len(photos) / (time.perf_counter() - start)


def many(scratch: Path, encoder: Encoder, count: int) -> None:
    make_photos(scratch / "photos", (96, 72), count)
    clock, peaks = Clock(), [0.0] * 10
    with _sampling(lambda: _note(clock, peaks, count)):
        report = run(scratch / "index", [scratch / "photos"], Cheap(encoder), clock)
    rows = " ".join(f"{peak / 1e9:.2f}" for peak in peaks)
    print(
        f"\n{report.photos} small photos: peak {max(peaks) / 1e9:.2f} GB (goal: 1.5), by tenths of the run {rows}"
    )
    print("all processes together, shared pages once; one batch in eight encoded")


def again(scratch: Path, encoder: Encoder, count: int) -> None:
    photos = make_photos(scratch / "photos", (32, 24), count)
    cheap = Cheap(encoder, every=0)
    times = {}
    for name in ("first run", "1 % changed"):
        clock, start = Clock(), time.perf_counter()
        report = run(scratch / "index", [scratch / "photos"], cheap, clock)
        times[name] = time.perf_counter() - start
        scan, work = clock.began - start, clock.ended - clock.began
        rest = times[name] - scan - work
        print(
            f"\n{name}: {report.embedded} of {count} embedded in {times[name]:.1f} s: "
            f"scan and plan {scan:.1f}, photos {work:.1f}, publish and clean up {rest:.1f}"
        )
        for number, path in enumerate(photos[::100]):
            path.write_bytes(path.read_bytes() + number.to_bytes(4, "big"))
    share = times["1 % changed"] / times["first run"]
    print(f"{share:.1%} of the first run (goal: 3 %), which encoded nothing: random vectors stand in")


@contextmanager
def _sampling(note: Callable[[], None]) -> Iterator[None]:
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.25):
            note()

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _note(clock: Clock, peaks: list[float], count: int) -> None:
    tenth = min(9, 10 * clock.progress.done // count)
    peaks[tenth] = max(peaks[tenth], _memory(os.getpid()))


def _memory(process: int) -> float:
    """The memory of a process and its children in bytes, shared pages counted once."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and (int(folder.name) == process or _parent(folder) == process):
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(1024 * float(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue
    return total


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
