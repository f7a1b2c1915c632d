"""Many callers, of whom a third hang up; a stop in their midst: the rest is answered, and nothing is left behind."""

import asyncio
import gc
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.kit.hostile import thorough
from tests.kit.service.asking import (
    PNG,
    figure,
)
from tests.kit.service.commands import Serving
from tests.kit.service.servers import LiveServer, listening
from tests.kit.service.sockets import HEAD, dial, heard
from tests.kit.waiting import until

CLIENTS = 64
ROUNDS = thorough(6, 200)


@dataclass
class Seen:
    statuses: set[int] = field(default_factory=set)
    answered: int = 0
    hung_up: int = 0


def restless(url: str, seed: int, rounds: int) -> Seen:
    """Asks again and again, and hangs up on every third: before the body, within it, or before the answer."""
    chance, seen = random.Random(seed), Seen()
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(PNG) + PNG
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(rounds):
            if chance.random() < 1 / 3:
                part = whole[: chance.choice((20, len(HEAD) + 200, len(whole)))]
                with dial(url, part) as caller:
                    time.sleep(chance.random() / 10)
                    if chance.random() < 0.5:  # with a reset instead of a good-bye
                        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                seen.hung_up += 1
            else:
                seen.statuses.add(client.post("/search?k=5", content=PNG).status_code)
                seen.answered += 1
    return seen


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def tasks() -> int:
    gc.collect()
    # By type: some objects warn when they are asked for their class.
    return sum(issubclass(type(one), asyncio.Task) and not one.done() for one in gc.get_objects())


def memory() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.slow
def test_a_storm_of_callers_who_hang_up_leaves_nothing_behind(live_server: LiveServer) -> None:
    # Of other servers, which tests share.
    already = tasks()
    with listening(live_server.gallery, max_searches=16, search_seconds=30) as url:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda seed: restless(url, seed, 2), range(CLIENTS)))
        until(lambda: tasks() <= already + 4)
        before = tasks(), descriptors(), threading.active_count(), memory()
        with ThreadPoolExecutor(CLIENTS) as pool:
            seen = list(pool.map(lambda seed: restless(url, seed, ROUNDS), range(CLIENTS)))
        assert set[int]().union(*(one.statuses for one in seen)) <= {200, 503}
        assert sum(one.hung_up for one in seen) > CLIENTS / 3
        assert sum(one.answered for one in seen) > CLIENTS
        until(lambda: tasks() <= before[0])
        until(lambda: descriptors() <= before[1])
        until(lambda: threading.active_count() <= before[2] + 2)
        assert figure(url, "sketchseek_queue_length") == 0
        assert figure(url, "sketchseek_ready") == 1
        for _ in range(40):
            assert httpx.post(f"{url}/search?k=5", content=PNG, timeout=60).status_code == 200
        assert memory() - before[3] < 100


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_does_not_wait_for_those_who_are_silent(index: Path, how: signal.Signals) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKETCHSEEK_STOP_SECONDS", "1")
        patch.setenv("SKETCHSEEK_BODY_SECONDS", "600")
        patch.setenv("SKETCHSEEK_KEEP_ALIVE_SECONDS", "600")
        server = Serving("--index", index)
    url = server.url.rstrip("/")
    until(lambda: _ready(url))
    half = HEAD + b"Content-Length: 100000\r\n\r\n" + PNG[:500]
    with ExitStack() as stack:
        for first in (b"", b"POST /sea", half) * 20:
            stack.enter_context(dial(url, first))
        asked = stack.enter_context(dial(url, HEAD + b"Content-Length: %d\r\n\r\n" % len(PNG) + PNG))
        done = 'sketchseek_requests_total{method="POST",route="/search",status="200"} 1.0'
        until(lambda: done in httpx.get(f"{url}/metrics").text)
        # To wait for the silent ones would take ten minutes, which is more than `stop` waits.
        status, errors = server.stop(how)
        assert heard(asked).startswith(b"HTTP/1.1 200 ")
    assert status in (0, -signal.SIGTERM)
    assert "Traceback" not in errors, errors


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_search_that_is_under_way_when_the_stop_comes_is_answered(index: Path) -> None:
    """Not one alone: all that were sent before the signal, also those that wait for the model."""
    server = Serving("--index", index)
    url = server.url.rstrip("/")
    until(lambda: _ready(url))
    asking = HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(PNG)
    with ExitStack() as stack:
        callers = [stack.enter_context(dial(url, asking)) for _ in range(40)]
        for caller in callers:
            # The search has begun, and waits for its picture.
            assert caller.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for caller in callers:
            caller.sendall(PNG)
        server.process.send_signal(signal.SIGTERM)
        answers = [heard(caller) for caller in callers]
    assert {answer[:12] for answer in answers} <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    assert sum(answer.startswith(b"HTTP/1.1 200") for answer in answers) > 20
    _, errors = server.stop(signal.SIGTERM)
    assert errors == ""
