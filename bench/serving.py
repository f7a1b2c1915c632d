"""Servers in their own processes, large indexes without photos, and callers: for the benchmarks of the service."""

import contextlib
import http.client
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image, ImageDraw

from indexer.generations.generation import publish
from indexer.generations.manifest import FORMAT, Manifest, describe
from indexer.generations.photos import PHOTOS_FILE, PhotosWriter
from indexer.reports.times import now
from indexer.stores import Batches, Source
from indexer.stores.biased import questions, widened
from indexer.stores.registry import DEFAULT, Stores, spelled
from model import Encoder
from model.bank import KINDS
from model.modality import Vectors, unit

_CHUNK = 10_000


@dataclass(frozen=True)
class Server:
    """A server process on a local port."""

    port: int
    pid: int

    def get(self, address: str, method: str = "GET") -> str:
        asked = Request(f"http://127.0.0.1:{self.port}{address}", method=method)
        with urlopen(asked, timeout=60) as answer:
            return str(answer.read().decode())

    @property
    def memory(self) -> float:
        """What it holds, in MiB."""
        return self._measured["process_resident_memory_bytes"] / 2**20

    @property
    def own_memory(self) -> float:
        """The part of it that is no mapped file, in MiB: the system cannot take it back. Linux only."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024

    @property
    def resources(self) -> str:
        threads = len(list(Path(f"/proc/{self.pid}/task").iterdir()))
        files = self._measured["process_open_fds"]
        return f"{self.memory:.0f} MiB, {files:.0f} descriptors, {threads} threads"

    @property
    def _measured(self) -> dict[str, float]:
        lines = self.get("/metrics").splitlines()
        pairs = (line.split() for line in lines if line.startswith("process_"))
        return {name: float(value) for name, value in pairs}


class Load:
    """The answers of one run; times in milliseconds."""

    def __init__(self, taken: list[float], seconds: float) -> None:
        self.rate = len(taken) / seconds
        cuts = statistics.quantiles(taken, n=100)
        self.p50, self.p95, self.p99 = cuts[49], cuts[94], cuts[98]

    def __str__(self) -> str:
        return f"{self.rate:6.1f} a second, p50 {self.p50:7.1f} ms, p95 {self.p95:7.1f} ms, p99 {self.p99:7.1f} ms"


def load(port: int, body: bytes, clients: int, seconds: float, kind: str = "image/png") -> Load:
    """Each client searches again as soon as it has its answer. http.client needs least of the shared cores."""

    def ask(until: float) -> list[float]:
        taken = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (start := time.perf_counter()) < until:
            connection.request("POST", "/search", body, {"content-type": kind})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            taken.append(1000 * (time.perf_counter() - start))
        connection.close()
        return taken

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, [time.perf_counter() + 2] * clients))
        start = time.perf_counter()
        parts = list(pool.map(ask, [start + seconds] * clients))
        return Load([one for part in parts for one in part], time.perf_counter() - start)


@contextlib.contextmanager
def serving(index: Path, **settings: str) -> Iterator[Server]:
    """Run `sketchseek serve` in its own process until it is ready; prints how long that took."""
    environment = {f"SKETCHSEEK_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "service.cli", "serve", "--index", str(index), "--port"]
    start = time.perf_counter()
    with running(command, environment) as server:
        taken = time.perf_counter() - start
        print(f"start to ready {taken:.2f} s   limit: 1.5 s; at rest {server.resources}")
        yield server


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str] | None = None) -> Iterator[Server]:
    """Run the command with a free port as its last argument, and wait until it answers there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, str(port)], env={**os.environ, **(environment or {})}, **quiet)  # type: ignore[call-overload]
    server = Server(port, process.pid)
    try:
        while not _answers(server):
            assert process.poll() is None, "the server died during startup"
            time.sleep(0.02)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _answers(server: Server) -> bool:
    try:
        return bool(server.get("/livez"))
    except OSError:
        return False


def near_bank(encoder: Encoder, count: int, seed: int) -> Vectors:
    """Sums of two vectors of the model's bank, each with as much noise as signal.

    Like photos, they are near some drawings and words, and far from others. Vectors that are random in all directions
    would be equally far from each query, and those near a single one would lie around what searches are tuned with.
    """
    bank = encoder.bank
    assert bank is not None
    seeds = np.concatenate([near.vectors for near in bank.kinds.values()])
    chance = np.random.default_rng(seed)
    noise = unit(chance.standard_normal((count, encoder.dimension), dtype=np.float32))
    one, other = chance.integers(0, len(seeds), (2, count))
    return unit(unit(seeds[one] + 0.5 * seeds[other]) + noise)


def bank_source(encoder: Encoder, photos: int) -> Source:
    """So many vectors near the bank's, with their biases. A file keeps them, because making them takes longest."""
    bank = encoder.bank
    assert bank is not None
    with TemporaryFile() as file:
        rows = np.memmap(file, np.float16, shape=(photos, encoder.dimension))  # type: ignore[call-overload]
    for start in range(0, photos, _CHUNK):
        end = min(start + _CHUNK, photos)
        rows[start:end] = near_bank(encoder, end - start, seed=start)

    def batches() -> Batches:
        for start in range(0, photos, _CHUNK):
            part = rows[start : start + _CHUNK]
            yield np.arange(start + 1, start + len(part) + 1, dtype=np.int64), part.astype(np.float32)

    biases = made_up_biases(photos)
    return widened(
        Source(photos, encoder.dimension, batches), lambda ids, _: biases[ids - 1], questions(bank)
    )


def made_up_biases(photos: int) -> Vectors:
    """As large, and as different, as those of photos by the shipped model's bank, which take minutes for a million."""
    chance = np.random.default_rng(0).standard_normal((photos, len(KINDS)), dtype=np.float32)
    found: Vectors = np.array([0.22, 0.29, 0], np.float32) + np.array([0.055, 0.063, 0], np.float32) * chance
    return found


def publish_random(index: Path, encoder: Encoder, photos: int) -> None:
    """Publish an index of so many vectors whose photos do not exist."""
    bank = encoder.bank
    assert bank is not None

    def write(folder: Path, name: str) -> Manifest:
        writer = PhotosWriter(folder / PHOTOS_FILE)
        rest = (640, 480, None, None, None, None, None, None)
        writer.add((n + 1, "/photos", f"{n}.jpg", f"{n:032x}", *rest) for n in range(photos))
        writer.finish()
        built = Stores()[DEFAULT].build(folder, bank_source(encoder, photos), "auto")
        return Manifest(
            FORMAT, name, now(), encoder.card.name, encoder.fingerprint, encoder.dimension,
            spelled(DEFAULT, built.kind), photos, 1,
            describe(folder), "auto", built.effort, built.recall, bank.digest,
        )  # fmt: skip

    publish(index, write)


def publish_copy(index: Path) -> None:
    """Publish the first generation again, under the next number."""
    first = index / "generations" / "000001"

    def write(folder: Path, name: str) -> Manifest:
        raw = json.loads((first / "manifest.json").read_text())
        for part in raw["files"]:
            (folder / part).write_bytes((first / part).read_bytes())
        raw.pop("seal")
        return Manifest(**{**raw, "generation": name, "created": now(), "files": describe(folder)})

    publish(index, write)


def drawing() -> bytes:
    image = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(image).ellipse((100, 150, 400, 350), outline="black", width=5)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def strokes() -> tuple[bytes, str]:
    """The same drawing as its line, in a form, and the form's type."""
    turn = np.linspace(0, 2 * np.pi, 60)
    points = np.stack([250 + 150 * np.cos(turn), 250 + 100 * np.sin(turn)], axis=1).round(2).tolist()
    text = json.dumps([{"width": 5, "points": points}])
    body = f'--form\r\ncontent-disposition: form-data; name="strokes"\r\n\r\n{text}\r\n--form--\r\n'
    return body.encode(), "multipart/form-data; boundary=form"
