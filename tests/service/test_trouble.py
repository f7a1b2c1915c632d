"""A model that answers nonsense, poisoned neighbours, parts of queries that share batches, and ids that are guessed."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from model.modality import Vectors
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, figure, problem
from tests.kit.service.servers import LiveServer, listening, moody
from tests.kit.shapes import drawing, picture
from tests.kit.waiting import until

PHOTO = encoded(picture("mug", 5), "JPEG")
STAR = encoded(drawing("star"), "PNG")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 3.0])
def test_nonsense_of_the_model_is_no_result(live_server: LiveServer, wrong: float) -> None:
    gallery, encoder = moody(live_server)
    whole = encoder._encoder.encode_photos
    with listening(gallery) as url, httpx.Client(base_url=url) as client:
        encoder.encode_photos = lambda pixels: whole(pixels) * np.float32(wrong)  # type: ignore[method-assign]
        for files in ({"photo": PHOTO}, {"photo": PHOTO, "sketch": PNG}):
            problem(client.post("/search", files=files), 500, "encoding_failed")
        # Drawings and words are encoded by others.
        assert client.post("/search", files={"sketch": PNG}, data={"text": "a mug"}).status_code == 200


def test_one_poisoned_request_costs_its_neighbours_nothing(live_server: LiveServer) -> None:
    gallery, encoder = moody(live_server)
    poison = encoder.prepare_sketch(drawing("star"))
    whole = encoder.encode
    sizes: list[int] = []

    def picky(prepared: Sequence[Any], kind: Any) -> Any:
        sizes.append(len(prepared))
        encoded = whole(prepared, kind)
        if any(np.array_equal(pixels, poison) for pixels in prepared):
            raise RuntimeError("a picture that breaks the engine")
        return encoded

    encoder.encode = picky  # type: ignore[method-assign]
    with listening(gallery) as url, ThreadPoolExecutor(8) as pool:
        encoder.free.clear()
        first = pool.submit(httpx.post, f"{url}/search", content=PNG, timeout=60)
        assert encoder.began.wait(20)
        good = [pool.submit(httpx.post, f"{url}/search", content=PNG, timeout=60) for _ in range(5)]
        bad = pool.submit(httpx.post, f"{url}/search", content=STAR, timeout=60)
        until(lambda: figure(url, "sketchseek_queue_length") == 6)
        encoder.free.set()
        assert {one.result().status_code for one in (first, *good)} == {200}
        problem(bad.result(), 500, "encoding_failed")
    assert 6 in sizes


def test_parts_of_different_queries_share_batches(live_server: LiveServer) -> None:
    gallery, encoder = moody(live_server)
    words: list[int] = []
    whole = encoder._encoder.texts

    def texts(batch: Sequence[str]) -> Vectors:
        words.append(len(batch))
        return whole(batch)

    encoder.texts = texts  # type: ignore[attr-defined]
    with listening(gallery) as url, ThreadPoolExecutor(4) as pool:
        encoder.free.clear()
        held = pool.submit(httpx.post, f"{url}/search", content=PNG, timeout=60)
        assert encoder.began.wait(20)
        mixes = [
            pool.submit(
                httpx.post, f"{url}/search", files={"sketch": PNG}, data={"text": "a fish"}, timeout=60
            )
            for _ in range(3)
        ]
        until(lambda: figure(url, "sketchseek_queue_length") == 6)
        encoder.free.set()
        answers = [one.result() for one in (held, *mixes)]
    assert {answer.status_code for answer in answers} == {200}
    assert words == [3]
    assert len({answer.text.partition('"took_ms"')[0] for answer in answers[1:]}) == 1


def test_ids_say_nothing_of_other_ids(live_server: LiveServer) -> None:
    with live_server.client() as client:
        found = client.get("/search", params={"text": "x", "k": 30}).json()["results"]
        known = {one["id"] for one in found}
        number = int(found[0]["id"], 16)
        near = {f"{(number + step) % 2**63:016x}" for step in range(-8, 9)} - known
        other = {str(number)[:16], found[0]["id"].upper(), found[0]["id"][:15], f" {found[0]['id']}"[:16]}
        for guess in (near | other) - known:
            problem(client.get(f"/photos/{guess}"), 404, "photo_not_found")
            problem(client.get("/search", params={"like": guess}), 404, "photo_not_found")


def test_more_callers_than_places_are_all_answered(live_server: LiveServer) -> None:
    """Bounded admission over HTTP, with every kind of part: each caller gets results or 503, none an error."""
    statuses: list[int] = []
    lock = threading.Lock()
    with listening(live_server.gallery, max_searches=3) as url, ThreadPoolExecutor(12) as pool:

        def ask(number: int) -> None:
            data = {"text": "a fish", "k": "3"} if number % 2 else {"k": "3"}
            files = {"photo": PHOTO} if number % 3 else {"sketch": PNG}
            answer = httpx.post(f"{url}/search", files=files, data=data, timeout=60)
            if answer.status_code == 503:
                problem(answer, 503, "busy")
                assert int(answer.headers["retry-after"]) > 0
            with lock:
                statuses.append(answer.status_code)

        list(pool.map(ask, range(48)))
    assert len(statuses) == 48
    assert set(statuses) <= {200, 503}
    assert 200 in statuses


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_damaged_vector_is_like_nothing(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    published = live_server.gallery.published
    monkeypatch.setattr(published, "vector", lambda _: np.full((1, 512), wrong, np.float32))
    with live_server.client() as client:
        told = problem(client.get("/search", params={"like": "0" * 16}), 500, "encoding_failed")
    assert "sketchseek index" in told
