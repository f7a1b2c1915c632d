"""The service under stress: 64 callers, a third of whom hang up at random, and a thousand generations in a row."""

import collections
import http.client
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.serving import load, publish_copy, publish_random, serving
from model import Encoder

CLIENTS, STORM_SECONDS, QUIET_SECONDS = 64, 60.0, 8.0
SWAPS, SWAP_SECONDS = 1000, 200.0
# This measures swaps, not reading a hundred megabytes.
PHOTOS = 10_000
_HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"


def storm(index: Path, png: bytes) -> None:
    publish_random(index, Encoder.load("lite", engine="openvino"), PHOTOS)
    with serving(index, max_searches="16") as server:
        rest = server.memory
        quiet = load(server.port, png, 1, QUIET_SECONDS)
        print(f"quiet:  {quiet}; {server.resources}")
        for seconds in (5.0, STORM_SECONDS):  # the first one fills pools that stay
            end = time.monotonic() + seconds
            with ThreadPoolExecutor(CLIENTS) as pool:
                parts = list(
                    pool.map(lambda seed, end=end: _restless(server.port, png, seed, end), range(CLIENTS))
                )  # type: ignore[misc]
            seen = sum(parts, collections.Counter())
            print(
                f"{CLIENTS} callers, {seconds:.0f} s: {dict(sorted(seen.items()))}   allowed: 200, 503, hung up"
            )
            # The service looks every two seconds whether searches have ended, and then gives memory back.
            time.sleep(6)
            print(f"{'':8}{server.resources}: {server.memory / rest:.2f} x as much as at rest   goal: 1.3")
        after = load(server.port, png, 1, QUIET_SECONDS)
        print(f"after:  {after}")
        print(f"p95 after the storm {after.p95 / quiet.p95:.2f} x the quiet one   limit: 1.2")


def _restless(port: int, png: bytes, seed: int, end: float) -> collections.Counter[str]:
    """Hang up on every third request: before the body, within it, or before the answer."""
    chance, seen = random.Random(seed), collections.Counter[str]()
    whole = _HEAD % len(png) + png
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < end:
        if chance.random() < 1 / 3:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
                caller.sendall(whole[: chance.choice((20, len(_HEAD) + 100, len(whole)))])
                time.sleep(chance.random() / 10)
            seen["hung up"] += 1
            continue
        try:
            client.request("POST", "/search", png, {"content-type": "image/png"})
            answer = client.getresponse()
            answer.read()
            seen[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            seen[type(error).__name__] += 1
            client.close()
    client.close()
    return seen


def swaps(index: Path, png: bytes) -> None:
    """Swap between two generations while two clients search."""
    publish_random(index, Encoder.load("lite", engine="openvino"), PHOTOS)
    publish_copy(index)
    stop, seen = threading.Event(), collections.Counter[str]()

    def ask() -> None:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while not stop.is_set():
            client.request("POST", "/search", png, {"content-type": "image/png"})
            answer = client.getresponse()
            answer.read()
            seen[str(answer.status)] += 1
        client.close()

    with serving(index, refresh_seconds="3600") as server:
        callers = [threading.Thread(target=ask) for _ in range(2)]
        for caller in callers:
            caller.start()
        start, done = time.perf_counter(), 0
        while done < SWAPS and time.perf_counter() - start < SWAP_SECONDS:
            if done in {SWAPS // 20, SWAPS // 2}:
                print(f"after {done:4} swaps: {server.resources}")
            (index / "CURRENT.new").write_text(f"{done % 2 + 1:06d}\n")
            (index / "CURRENT.new").replace(index / "CURRENT")
            server.get("/admin/reload", "POST")
            done += 1
        stop.set()
        for caller in callers:
            caller.join()
        print(
            f"after {done:4} swaps: {server.resources}; {time.perf_counter() - start:.0f} s, answers {dict(seen)}"
        )
