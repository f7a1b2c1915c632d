"""Uploads that take all decoders and all places: words and known photos are searched all the same."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.search import finding
from tests.kit.service.asking import PNG, figure, problem
from tests.kit.service.servers import LiveServer, listening, moody
from tests.kit.waiting import until

DECODERS, PLACES = 2, 6


class HeldUp:
    """A decoder that begins, and does not end before it is let."""

    def __init__(self, decode: Any) -> None:
        self._decode = decode
        self.let = threading.Event()
        self.began = threading.Semaphore(0)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.began.release()
        assert self.let.wait(60)
        return self._decode(*arguments, **options)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldUp]:
    held = HeldUp(finding.decode)
    monkeypatch.setattr(finding, "decode", held)
    yield held
    held.let.set()


def test_words_and_known_photos_do_not_wait_for_decoders(live_server: LiveServer, decoder: HeldUp) -> None:
    # On a busy machine none of them shall be over before all are there.
    limits = {"decoders": DECODERS, "max_searches": PLACES, "search_seconds": 120}
    with listening(live_server.gallery, **limits) as url, ThreadPoolExecutor(PLACES) as pool:
        uploads = [pool.submit(_taken_in, url) for _ in range(PLACES)]
        for _ in range(DECODERS):
            assert decoder.began.acquire(timeout=20)
        # All places for pictures are taken once the next one is turned away.
        until(lambda: _is_busy(url))
        words = httpx.get(f"{url}/search", params={"text": "a fish", "k": 3}, timeout=60)
        assert words.status_code == 200, words.text
        known = words.json()["results"][0]["id"]
        for wishes in ({"like": known}, {"like": known, "text": "a mug", "like_weight": "0.5"}):
            found = httpx.get(f"{url}/search", params=wishes, timeout=60)
            assert found.status_code == 200, found.text
            assert len(found.json()["results"]) == 20
        form = httpx.post(f"{url}/search", files={"text": (None, "a fish"), "k": (None, "3")}, timeout=60)
        assert form.json()["results"] == words.json()["results"]
        assert not any(upload.done() for upload in uploads)
        decoder.let.set()
        assert {upload.result().status_code for upload in uploads} == {200}


def test_a_flood_of_words_leaves_places_for_pictures(live_server: LiveServer) -> None:
    gallery, encoder = moody(live_server)
    free, began = threading.Event(), threading.Semaphore(0)
    whole = encoder._encoder.texts

    def texts(batch: Any) -> Any:
        began.release()
        assert free.wait(60)
        return whole(batch)

    encoder.texts = texts  # type: ignore[attr-defined]
    with listening(gallery, max_searches=2) as url, ThreadPoolExecutor(3) as pool:
        words = [pool.submit(httpx.get, f"{url}/search?text=a", timeout=60)]
        assert began.acquire(timeout=20)
        words.append(pool.submit(httpx.get, f"{url}/search?text=b", timeout=60))
        until(lambda: figure(url, "sketchseek_queue_length") == 1)
        problem(httpx.get(f"{url}/search?text=more"), 503, "busy")
        picture = pool.submit(httpx.post, f"{url}/search", content=PNG, timeout=60)
        free.set()
        assert picture.result().status_code == 200
        assert {one.result().status_code for one in words} == {200}


def _taken_in(url: str) -> httpx.Response:
    """Upload again where somebody else, who only asks whether it is busy, has the place."""
    while True:
        answer = httpx.post(f"{url}/search", content=PNG, timeout=60)
        if answer.status_code != 503:
            return answer


def _is_busy(url: str) -> bool:
    """Hangs up where it is taken in, so that asking takes no place for long."""
    try:
        answer = httpx.post(f"{url}/search", content=PNG, timeout=httpx.Timeout(20, read=0.3))
    except httpx.ReadTimeout:
        return False
    problem(answer, 503, "busy")
    return True
