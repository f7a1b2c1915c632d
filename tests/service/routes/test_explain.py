"""POST /explain over real HTTP: what matches what, that it adds up, and what is refused."""

import copy
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from model import Encoder
from service.asgi.keys import make
from tests.kit.jobs import index_quickly
from tests.kit.pictures import bomb_png, drawing_png, encoded
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening, serving

STROKES = json.dumps([{"width": 7, "points": [[100, 120], [180, 90], [260, 130], [250, 300]]}])


@pytest.fixture(scope="module")
def client(live_server: LiveServer) -> Iterator[httpx.Client]:
    with live_server.client() as client:
        yield client


@pytest.fixture(scope="module")
def fish(client: httpx.Client) -> str:
    """The id of a photo of a fish."""
    found = client.post("/search?k=20", content=PNG).json()["results"]
    return next(str(one["id"]) for one in found if one["path"].startswith("fish"))


def ask(client: httpx.Client, photo_id: str, sketch: bytes = PNG, **fields: str) -> httpx.Response:
    return client.post("/explain", files={"sketch": sketch}, data={"photo_id": photo_id, **fields})


def explained(client: httpx.Client, photo_id: str, sketch: bytes = PNG) -> dict[str, Any]:
    answer = ask(client, photo_id, sketch)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_contributions_add_up_to_the_score_in_every_view(client: httpx.Client, fish: str) -> None:
    found = explained(client, fish)
    assert (found["photo_id"], found["model"]) == (fish, "lite")
    assert 1 <= len(found["matches"]) <= 8
    score = pytest.approx(found["score"], abs=2e-4)
    assert sum(one["contribution"] for one in found["matches"]) == score
    assert sum(one["contribution"] for one in found["collage"]) == score
    assert np.sum(found["attention"]["sketch"]) == score
    assert np.sum(found["attention"]["photo"]) == score
    for number, match in enumerate(found["matches"]):
        cells = [one["contribution"] for one in found["collage"] if one["match"] == number]
        assert sum(cells) == pytest.approx(match["contribution"], abs=1e-4)
        for box in (match["sketch"], match["photo"]):
            assert min(box.values()) >= 0
            assert max(box["x"] + box["width"], box["y"] + box["height"]) <= 1.0001


def test_parts_of_a_drawing_are_where_its_lines_are(client: httpx.Client, fish: str) -> None:
    drawing = Image.new("RGB", (1000, 500), "white")
    drawing.paste((0, 0, 0), (600, 100, 900, 112))
    drawing.paste((0, 0, 0), (600, 400, 900, 412))
    matches = explained(client, fish, encoded(drawing, "PNG"))["matches"]
    boxes = [match["sketch"] for match in matches]
    assert min(box["x"] for box in boxes) == pytest.approx(0.6, abs=0.04)
    assert max(box["x"] + box["width"] for box in boxes) == pytest.approx(0.9, abs=0.04)
    assert min(box["y"] for box in boxes) == pytest.approx(0.2, abs=0.08)
    assert max(box["y"] + box["height"] for box in boxes) == pytest.approx(0.82, abs=0.08)
    # Nothing is drawn between the lines.
    assert not any(box["y"] < 0.5 < box["y"] + box["height"] for box in boxes)


def test_strokes_are_explained_as_their_picture_is(client: httpx.Client, fish: str) -> None:
    answer = client.post("/explain", files={"strokes": (None, STROKES), "photo_id": (None, fish)})
    assert answer.status_code == 200, answer.text
    left = min(match["sketch"]["x"] for match in answer.json()["matches"])
    assert left == pytest.approx(100 / 512, abs=0.04)


def test_the_same_question_gets_the_same_bytes(client: httpx.Client, fish: str) -> None:
    assert ask(client, fish).content == ask(client, fish).content


def test_the_collage_shows_the_photo_where_the_drawing_has_ink(client: httpx.Client, fish: str) -> None:
    answer = ask(client, fish, picture="collage")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    collage = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert collage.shape == (448, 448, 3)
    inked = len(explained(client, fish)["collage"])
    shown = (collage.reshape(14, 32, 14, 32, 3).min(axis=(1, 3, 4)) < 250).sum()
    assert shown == inked


@pytest.mark.parametrize(
    "sketch",
    [
        drawing_png(64),
        encoded(Image.new("L", (20, 20), 255), "PNG"),
        encoded(Image.new("RGB", (300, 300), "black"), "PNG"),
    ],
    ids=["small", "blank", "black"],
)
def test_whatever_a_search_takes_is_explained_and_what_it_refuses_is_not(
    client: httpx.Client, fish: str, sketch: bytes
) -> None:
    searched, answer = client.post("/search", content=sketch), ask(client, fish, sketch)
    assert answer.status_code == searched.status_code
    if answer.status_code != 200:
        assert answer.json()["code"] == searched.json()["code"] == "empty_drawing"


def test_a_dot_is_in_the_middle(client: httpx.Client, fish: str) -> None:
    dot = Image.new("RGB", (400, 400), "white")
    dot.paste((0, 0, 0), (198, 198, 204, 204))
    answer = explained(client, fish, encoded(dot, "PNG"))
    assert 1 <= len(answer["matches"]) <= 4
    for box in (match["sketch"] for match in answer["matches"]):
        assert 0.4 < box["x"] <= box["x"] + box["width"] < 0.6
        assert 0.4 < box["y"] <= box["y"] + box["height"] < 0.6
    assert sum(match["contribution"] for match in answer["matches"]) == pytest.approx(
        answer["score"], abs=1e-3
    )


def test_what_is_missing_or_wrong_is_named(client: httpx.Client, fish: str) -> None:
    def said(code: str, **form: Any) -> str:
        return problem(client.post("/explain", **form), 422, code)

    fields = {"photo_id": (None, fish)}
    assert "only drawings" in said("no_sketch", files=fields)
    assert "text" in said("invalid_request", files=fields | {"text": (None, "a fish")})
    assert "photo_id" in said("invalid_request", files={"sketch": PNG})
    assert "strokes" in said("invalid_request", files=fields | {"strokes": (None, "{}")})
    assert "not both" in said("invalid_request", files={"sketch": PNG, **fields, "strokes": (None, STROKES)})
    assert "picture" in said("invalid_request", files={"sketch": PNG, **fields, "picture": (None, "x")})
    said("invalid_request", files=[("sketch", PNG), ("sketch", PNG), ("photo_id", (None, fish))])
    said("no_sketch", files=fields | {"sketch": (None, "no file")})
    for data in (b"hello", PNG[:200], bomb_png()):
        said("bad_image", files=fields | {"sketch": data})
    said("empty_drawing", files=fields | {"strokes": (None, "[]")})
    problem(client.post("/explain", content=PNG), 415, "unsupported_media_type")
    problem(ask(client, "0" * 16), 404, "photo_not_found")
    problem(ask(client, fish, bytes(21 * 2**20)), 413, "content_too_large")


def test_a_photo_that_is_gone_or_another_is_not_explained(tmp_path: Any, encoder: Encoder) -> None:
    with serving(tmp_path, encoder) as server, server.client() as client:
        found = client.post("/search?k=2", content=PNG).json()["results"]
        gone, other = (server.photos / one["path"] for one in found)
        gone.unlink()
        other.write_bytes(encoded(Image.new("RGB", (90, 90), "red"), "JPEG"))
        problem(ask(client, found[0]["id"]), 410, "photo_gone")
        problem(ask(client, found[1]["id"]), 410, "photo_changed")


def test_a_tiny_photo_is_explained(tmp_path: Any, encoder: Encoder) -> None:
    with serving(tmp_path, encoder) as server:
        tiny = server.photos / "tiny.png"
        tiny.write_bytes(encoded(Image.effect_noise((20, 20), 80).convert("RGB"), "PNG"))
        index_quickly(server.index, server.photos, encoder)
        assert server.gallery.refresh(now=True)
        with server.client() as client:
            listed = client.get("/photos?k=100").json()["photos"]
            (tiny_id,) = (one["id"] for one in listed if one["path"] == "tiny.png")
            assert explained(client, tiny_id)["matches"]


def test_a_model_without_local_parts_says_so(
    live_server: LiveServer, fish: str, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server.client() as client:
        assert client.get("/info").json()["local_parts"] is True
        monkeypatch.setitem(vars(encoder), "local", None)
        assert client.get("/info").json()["local_parts"] is False
        assert "'lite' has no local parts" in problem(ask(client, fish), 422, "no_local_parts")


def test_a_key_is_needed_where_there_are_keys_and_any_will_do(live_server: LiveServer, fish: str) -> None:
    key, entry = make(admin=False)
    with (
        listening(live_server.gallery, api_keys=entry) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        problem(ask(client, fish), 401, "no_key")
        client.headers["x-api-key"] = key
        assert explained(client, fish)["matches"]


def test_many_explanations_leave_places_for_searches(
    live_server: LiveServer, fish: str, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, free, began = copy.copy(live_server.gallery), threading.Event(), threading.Event()
    encode = encoder.encode

    def slow(prepared: Any, kind: Any) -> Any:
        began.set()
        assert free.wait(60)
        return encode(prepared, kind)

    monkeypatch.setattr(encoder, "encode", slow)
    with (
        listening(gallery, max_searches=8) as url,
        httpx.Client(base_url=url, timeout=60) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        waiting = [pool.submit(ask, client, fish) for _ in range(3)]
        refused = next(as_completed(waiting, 60))
        assert "too many explanations" in problem(refused.result(), 503, "busy")
        assert began.wait(60)
        search = pool.submit(client.post, "/search", content=PNG)
        free.set()
        assert search.result(60).status_code == 200
        assert sorted(one.result(60).status_code for one in waiting) == [200, 200, 503]


def test_together_they_get_what_each_gets_alone(client: httpx.Client, fish: str) -> None:
    alone = explained(client, fish)
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda _: explained(client, fish), range(6)))
    for one in together:
        assert one["score"] == pytest.approx(alone["score"], abs=1e-3)
        assert [match["text"] for match in one["matches"]] == [match["text"] for match in alone["matches"]]


def test_nothing_is_written(live_server: LiveServer, client: httpx.Client, fish: str) -> None:
    def files() -> list[Path]:
        return sorted(live_server.index.rglob("*"))

    before = files()
    explained(client, fish)
    assert files() == before
