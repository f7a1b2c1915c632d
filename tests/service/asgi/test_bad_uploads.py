"""Thousands of wrong pictures over real HTTP: each is refused or searched for, in bounded memory."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.kit.hostile import bad_uploads, progressive, thorough
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening

# 10,000 where SKETCHSEEK_THOROUGH is set.
COUNT = thorough(200, 10_000)
CLIENTS = 4


def memory() -> int:
    """MiB that this process, which is also the server's, holds."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.slow
def test_bad_uploads_are_refused_in_bounded_memory(live_server: LiveServer) -> None:
    statuses: dict[int, int] = {}
    lock = threading.Lock()

    def send(data: bytes) -> None:
        answer = httpx.post(f"{live_server.url}/search?k=1", content=data, timeout=60)
        if answer.status_code != 200:
            problem(answer, 422, answer.json()["code"])
            assert answer.json()["code"] in {"bad_image", "empty_drawing", "no_sketch"}
        with lock:
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, bad_uploads(50, seed=1)))
        before = memory()
        list(pool.map(send, bad_uploads(COUNT)))
    assert statuses[422] > COUNT / 3
    assert memory() - before < 300
    with live_server.client() as client:
        assert client.post("/search", content=PNG).status_code == 200


def test_a_picture_that_takes_long_holds_up_nobody_else(live_server: LiveServer) -> None:
    """As many scans as are let through, at the largest size that is: searches beside it are answered."""
    slow = progressive(4900, 14)
    with listening(live_server.gallery, decoders=2) as url, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(httpx.post, f"{url}/search", content=slow, timeout=60)
        answered = 0
        while not sent.done():
            assert httpx.post(f"{url}/search", content=PNG, timeout=60).status_code == 200
            answered += 1
        assert answered > 1
        problem(sent.result(), 422, "empty_drawing")


def test_heads_of_every_size(live_server: LiveServer) -> None:
    for size, statuses in ((1000, {200}), (15_000, {200}), (60_000, {400, 431}), (200_000, {400, 431})):
        try:
            answer = httpx.get(f"{live_server.url}/livez", headers={"x-long": "a" * size})
        except httpx.TransportError:
            assert size > 2**14
            continue
        assert answer.status_code in statuses
    assert httpx.get(f"{live_server.url}/livez").status_code == 200
