"""`/search` with the model and a million photos on the GPU: one client, then 256, and where the time goes."""

import json
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bench.callers import call
from bench.gpu.command import Bench
from bench.serving import drawing, publish_random, serving
from model import Encoder

PHOTOS, SMALL = 1_000_000, 2_000
SECONDS = 12.0
# Clients in one process would wait for each other.
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
        work = [pool.submit(call, port, drawing(), clients // processes, seconds) for _ in range(processes)]
        answers = [answer for part in work for answer in part.result()]
    whole = sorted(1000 * taken for taken, _ in answers)
    stages = {name: statistics.fmean(took[name] for _, took in answers) for name in answers[0][1]}
    shares = ", ".join(f"{name} {value:.2f}" for name, value in stages.items())
    print(
        f"  {clients:3} clients: {len(answers) / seconds:7.1f} a second, p50 {statistics.median(whole):7.2f} ms, "
        f"p99 {whole[int(0.99 * len(whole))]:7.2f} ms; in the service, ms: {shares}",
        flush=True,
    )
