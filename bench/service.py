"""The service under load, 100,000 photos, real sockets: latency, rate, the event loop, swaps; beside a plain peer.

The peer is what one writes in an afternoon: FastAPI, open_clip's ViT-B/32 in torch with random weights, NumPy's dot
product over the same photos, the model called in FastAPI's threads. About three minutes; `SWAPS=1000` adds swaps.
"""

import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from PIL import Image, ImageDraw

from bench.timing import measure
from indexer import Published
from indexer.generation import Manifest, describe, now, publish
from indexer.photos import Photo, PhotosWriter
from indexer.publishing import PHOTOS_FILE
from indexer.stores import Source
from indexer.stores.build import build
from indexer.stores.layers import MAIN
from model import Encoder, decode
from model.modality import unit

PHOTOS = 100_000
SECONDS = 12.0
_CHUNK = 10_000
PEER = """
import io, sys, numpy as np, open_clip, torch, uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
model, _, prepare = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
model.eval()
photos = np.random.default_rng(0).standard_normal((%d, 512), dtype=np.float32)
app = FastAPI()
def find(data):
    pixels = prepare(Image.open(io.BytesIO(data)).convert("RGB"))[None]
    with torch.inference_mode():
        query = model.encode_image(pixels)[0].numpy()
    scores = photos @ query
    best = np.argpartition(-scores, 20)[:20]
    return [{"id": int(row), "score": float(scores[row])} for row in best[np.argsort(-scores[best])]]
@app.get("/livez")
async def livez(): return {}
@app.post("/search")
async def search(request: Request):
    return {"results": await run_in_threadpool(find, await request.body())}
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def main() -> None:
    png = _drawing()
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch)
        encoder = Encoder.load("lite", engine="openvino")
        _publish(index, encoder)
        print(
            f"{PHOTOS} photos, {len(png) >> 10} kB PNG of 512 px, {SECONDS:.0f} s each; clients in this process"
        )
        alone = _alone(index, encoder, png)
        del encoder
        with _running([sys.executable, "-m", "service.cli", "serve", "--index", scratch], index) as url:
            ours = {clients: _load(f"ours, {clients:2} clients", url, png, clients) for clients in (1, 16)}
            _loop_lag(url)
            if swaps := int(os.environ.get("SWAPS", "0")):
                _swap(index, url, png, swaps)
        with _running([sys.executable, "-c", PEER % PHOTOS], None) as url:
            peer = {clients: _load(f"peer, {clients:2} clients", url, png, clients) for clients in (1, 16)}
    one = ours[1]
    print(f"p50 at one client {one.p50 / alone:.2f} x encode and scan alone   limit: 1.5")
    print(f"p99 at one client {one.p99 / one.p50:.1f} x p50   limit: 4")
    for clients in (1, 16):
        print(
            f"rate at {clients:2} clients {ours[clients].rate / peer[clients].rate:.1f} x the peer's   limit: 8"
        )


def _alone(index: Path, encoder: Encoder, png: bytes) -> float:
    published = Published.open(index, encoder.fingerprint)
    pixels = encoder.prepare_sketch(decode(png, keep_alpha=True).image)
    query = encoder.encode_sketches([pixels])
    decoding = measure(lambda: encoder.prepare_sketch(decode(png, keep_alpha=True).image))
    encoding = measure(lambda: encoder.encode_sketches([pixels]))
    scanning = measure(lambda: published.search(query, 20))
    print(f"decode alone {decoding}\nencode alone {encoding}\nscan alone   {scanning}")
    for size in (4, 16):
        batch = measure(lambda size=size: encoder.encode_sketches([pixels] * size))  # type: ignore[misc]
        print(f"encode {size:2} at once: {1000 * size / batch.median:.0f} a second")
    return encoding.median + scanning.median


class Load:
    """Answers of one run; milliseconds."""

    def __init__(self, taken: list[float], seconds: float) -> None:
        self.rate = len(taken) / seconds
        cuts = statistics.quantiles(taken, n=100)
        self.p50, self.p99 = cuts[49], cuts[98]


def _load(name: str, url: str, png: bytes, clients: int) -> Load:
    """Each client asks again as soon as it has its answer."""

    def ask(until: float) -> list[float]:
        taken = []
        with httpx.Client(base_url=url, timeout=60) as client:
            while (start := time.perf_counter()) < until:
                client.post("/search", content=png, headers={"content-type": "image/png"}).raise_for_status()
                taken.append(1000 * (time.perf_counter() - start))
        return taken

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, [time.perf_counter() + 2] * clients))
        start = time.perf_counter()
        parts = list(pool.map(ask, [start + SECONDS] * clients))
        load = Load([one for part in parts for one in part], time.perf_counter() - start)
    print(f"{name}: {load.rate:6.1f} a second, p50 {load.p50:7.1f} ms, p99 {load.p99:7.1f} ms")
    return load


def _loop_lag(url: str) -> None:
    text = httpx.get(f"{url}/metrics").text
    count = {
        line.split('le="')[1].split('"')[0]: float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("sketchseek_loop_lag_seconds_bucket")
    }
    whole = count["+Inf"]
    shares = ", ".join(
        f"{1 - count[edge] / whole:.1%} > {1000 * float(edge):.0f} ms" for edge in ("0.01", "0.05")
    )
    print(f"event loop late, of {whole:.0f} looks: {shares}   (waiting for a core counts)")


def _swap(index: Path, url: str, png: bytes, swaps: int) -> None:
    """Between two generations, while one client asks."""
    first = index / "generations" / "000001"
    publish(index, lambda folder, name: _copied(first, folder, name))
    stop, failed = threading.Event(), []

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not stop.is_set():
                answer = client.post("/search", content=png, headers={"content-type": "image/png"})
                failed.extend([answer.status_code] if answer.status_code != 200 else [])

    asking = threading.Thread(target=ask)
    asking.start()
    start = time.perf_counter()
    for number in range(swaps):
        if number in {swaps // 10, swaps - 1}:
            print(f"after {number:4} swaps: {_resources(url)}")
        (index / "CURRENT.new").write_text(f"{number % 2 + 1:06d}\n")
        (index / "CURRENT.new").replace(index / "CURRENT")
        httpx.post(f"{url}/admin/reload", timeout=60).raise_for_status()
    stop.set()
    asking.join()
    print(f"{swaps} swaps in {time.perf_counter() - start:.0f} s, {len(failed)} searches failed")


def _resources(url: str) -> str:
    text = httpx.get(f"{url}/metrics").text.splitlines()
    value = dict(line.split() for line in text if line.startswith("process_"))
    return f"{float(value['process_resident_memory_bytes']) / 2**20:.0f} MiB, {value['process_open_fds']} descriptors"


@contextlib.contextmanager
def _running(command: list[str], index: Path | None) -> Iterator[str]:
    """A server in a process of its own, ready to answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    options = ["--port", port] if index else [port]
    start = time.perf_counter()
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        while not _answers(url):
            assert process.poll() is None, "the server died while it started"
            time.sleep(0.02)
        if index:
            print(f"start to ready {time.perf_counter() - start:.2f} s   limit: 1.5 s; {_resources(url)}")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").status_code == 200
    except httpx.TransportError:
        return False


def _publish(index: Path, encoder: Encoder, photos: int = PHOTOS) -> None:
    def write(folder: Path, name: str) -> Manifest:
        writer = PhotosWriter(folder / PHOTOS_FILE)
        writer.add(Photo(n + 1, "/photos", f"{n}.jpg", f"{n:032x}", 640, 480) for n in range(photos))
        writer.finish()
        built = build(
            folder / MAIN,
            Source(photos, encoder.dimension, lambda: _batches(encoder.dimension, photos)),
            "flat",
        )
        return Manifest(
            2, name, now(), encoder.card.name, encoder.fingerprint, encoder.dimension, built.kind, photos, 1,
            describe(folder), "flat", built.effort, built.recall,
        )  # fmt: skip

    publish(index, write)


def _copied(source: Path, folder: Path, name: str) -> Manifest:
    for part in (MAIN, PHOTOS_FILE):
        (folder / part).write_bytes((source / part).read_bytes())
    raw = json.loads((source / "manifest.json").read_text())
    raw.pop("seal")
    return Manifest(**{**raw, "generation": name, "created": now(), "files": describe(folder)})


def _batches(dimension: int, photos: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    chance = np.random.default_rng(0)
    for start in range(0, photos, _CHUNK):
        ids = np.arange(start + 1, min(start + _CHUNK, photos) + 1, dtype=np.int64)
        yield ids, unit(chance.standard_normal((len(ids), dimension), dtype=np.float32))


def _drawing() -> bytes:
    drawing = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(drawing).ellipse((100, 150, 400, 350), outline="black", width=5)
    buffer = io.BytesIO()
    drawing.save(buffer, "PNG")
    return buffer.getvalue()
