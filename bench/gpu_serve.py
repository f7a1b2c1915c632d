"""`/search` with the model and a million photos on the card: one client, then 256, and where the time goes."""

import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import httpx

from bench.gpu import Bench
from bench.service import _drawing, _publish, _running
from model import Encoder

PHOTOS, SMALL = 1_000_000, 2_000
SECONDS = 12.0
# Clients of one process would wait for one another.
_PROCESSES = 4
_LIMITS = ("SKETCHSEEK_MAX_BATCH", "256"), ("SKETCHSEEK_MAX_SEARCHES", "1024")


def main(bench: Bench) -> None:
    on_card = bench.device.type == "cuda"
    photos = SMALL if bench.small else PHOTOS
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch)
        _publish(index, Encoder.load("lite"), photos)
        choice = ["--engine", "torch-cuda", "--index-device", "cuda"] if on_card else []
        limits = [f"{name}={value}" for name, value in _LIMITS]
        command = ["env", *limits, sys.executable, "-m", "service.cli", "serve", "--index", scratch, *choice]
        with _running(command, index) as url:
            info = httpx.get(f"{url}/info").json()
            print(f"{photos} photos; {info['engine']} on {info['device']}, index on {info['index_device']}")
            for clients in (1, 4) if bench.small else (1, 16, 256):
                _load(url, clients, 0.5 if bench.small else SECONDS)


def _load(url: str, clients: int, seconds: float) -> None:
    processes = min(_PROCESSES, clients)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        parts = pool.map(_clients, *zip(*[(url, clients // processes, seconds)] * processes, strict=True))
        answers = [answer for part in parts for answer in part]
    whole = sorted(1000 * taken for taken, _ in answers)
    stages = {name: statistics.fmean(took[name] for _, took in answers) for name in answers[0][1]}
    shares = ", ".join(f"{name} {value:.2f}" for name, value in stages.items())
    print(
        f"  {clients:3} clients: {len(answers) / seconds:7.1f} a second, p50 {statistics.median(whole):7.2f} ms, "
        f"p99 {whole[int(0.99 * len(whole))]:7.2f} ms; in the service, ms: {shares}",
        flush=True,
    )


def _clients(url: str, count: int, seconds: float) -> list[tuple[float, dict[str, float]]]:
    """Each asks again as soon as it has its answer."""
    png = _drawing()

    def ask(until: float) -> list[tuple[float, dict[str, float]]]:
        found = []
        with httpx.Client(base_url=url, timeout=60) as client:
            while (start := time.perf_counter()) < until:
                answer = client.post("/search", content=png, headers={"content-type": "image/png"})
                answer.raise_for_status()
                found.append((time.perf_counter() - start, answer.json()["took_ms"]))
        return found

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(ask, [time.perf_counter() + min(2.0, seconds)] * count))
        end = time.perf_counter() + seconds
        return [one for part in pool.map(ask, [end] * count) for one in part]
