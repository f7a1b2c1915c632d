"""Callers of `/search` in their own process, which loads only what calling needs."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

# Seconds from request to answer, and the milliseconds of each stage that the answer reports.
Answered = tuple[float, dict[str, float]]


def call(port: int, png: bytes, callers: int, seconds: float) -> list[Answered]:
    """Each caller searches again as soon as it has its answer; the first moments are warm-up and do not count."""

    def ask(until: float) -> list[Answered]:
        found = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (start := time.perf_counter()) < until:
            connection.request("POST", "/search", png, {"content-type": "image/png"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            found.append((time.perf_counter() - start, json.loads(body)["took_ms"]))
        connection.close()
        return found

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(ask, [time.perf_counter() + min(2.0, seconds)] * callers))
        end = time.perf_counter() + seconds
        return [one for part in pool.map(ask, [end] * callers) for one in part]
