"""`/search` with the model and a million photos on the card: one client, then 256, and where the time goes."""

import json
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import httpx

from bench.gpu import Bench
from bench.serving import drawing, publish_random, serving
from model import Encoder

PHOTOS, SMALL = 1_000_000, 2_000
SECONDS = 12.0
# Clients of one process would wait for one another.
_PROCESSES = 4
_LIMITS = {"max_batch": "256", "max_searches": "1024"}


def main(bench: Bench) -> None:
    on_card = bench.device.type == "cuda"
    photos = SMALL if bench.small else PHOTOS
    settings = {"engine": "torch-cuda", "index_device": "cuda"} if on_card else {}
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch)
        publish_random(index, Encoder.load("lite"), photos)
        with serving(index, **settings, **_LIMITS) as server:
            info = json.loads(server.get("/info"))
            print(f"{photos} photos; {info['engine']} on {info['device']}, index on {info['index_device']}")
            for clients in (1, 4) if bench.small else (1, 16, 256):
                _load(server.port, clients, 0.5 if bench.small else SECONDS)


def _load(port: int, clients: int, seconds: float) -> None:
    processes = min(_PROCESSES, clients)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        parts = pool.map(_clients, *zip(*[(port, clients // processes, seconds)] * processes, strict=True))
        answers = [answer for part in parts for answer in part]
    whole = sorted(1000 * taken for taken, _ in answers)
    stages = {name: statistics.fmean(took[name] for _, took in answers) for name in answers[0][1]}
    shares = ", ".join(f"{name} {value:.2f}" for name, value in stages.items())
    print(
        f"  {clients:3} clients: {len(answers) / seconds:7.1f} a second, p50 {statistics.median(whole):7.2f} ms, "
        f"p99 {whole[int(0.99 * len(whole))]:7.2f} ms; in the service, ms: {shares}",
        flush=True,
    )


def _clients(port: int, count: int, seconds: float) -> list[tuple[float, dict[str, float]]]:
    """Each asks again as soon as it has its answer."""
    png = drawing()

    def ask(until: float) -> list[tuple[float, dict[str, float]]]:
        found = []
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while (start := time.perf_counter()) < until:
                answer = client.post("/search", content=png, headers={"content-type": "image/png"})
                answer.raise_for_status()
                found.append((time.perf_counter() - start, answer.json()["took_ms"]))
        return found

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(ask, [time.perf_counter() + min(2.0, seconds)] * count))
        end = time.perf_counter() + seconds
        return [one for part in pool.map(ask, [end] * count) for one in part]
