"""The HTTP API over a real socket: every route, every kind of refusal."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.kit.jobs import index_quickly
from tests.kit.pictures import bomb_png, drawing_png, jpeg, truncated
from tests.kit.service.asking import PNG, problem, wait_for
from tests.kit.service.servers import LiveServer
from tests.kit.shapes import picture
from tests.kit.waiting import until


def test_a_form_and_a_body_find_the_same(live_server: LiveServer) -> None:
    with live_server.client() as client:
        by_form = client.post("/search", files={"sketch": ("s.png", PNG, "image/png")})
        by_body = client.post("/search", content=PNG, headers={"content-type": "image/png"})
        by_curl = client.post(
            "/search", content=PNG, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert by_form.status_code == by_body.status_code == by_curl.status_code == 200
    assert by_form.json()["results"] == by_body.json()["results"] == by_curl.json()["results"]


def test_the_answer_says_all_it_should(live_server: LiveServer) -> None:
    with live_server.client() as client:
        body = client.post("/search?k=7", content=PNG, headers={"content-type": "image/png"}).json()
    about = {"offset", "total_searched", "generation", "model", "took_ms", "ranked_by", "remark"}
    assert (body["ranked_by"], body["remark"]) == ("all", None)
    assert set(body) == {"results", "nothing_close", *about}
    assert (body["total_searched"], body["generation"], body["model"]) == (30, "000001", "lite")
    assert set(body["took_ms"]) == {"decode", "encode", "search", "rerank", "total"}
    assert len(body["results"]) == 7
    first = body["results"][0]
    known = {"id", "score", "path", "url", "thumbnail_url", "width", "height"}
    described = {"taken", "camera", "colour", "favourite", "duplicates", "detail", "relevance"}
    assert set(first) == known | described
    assert re.fullmatch("#[0-9a-f]{6}", first["colour"])
    assert first["path"].startswith("fish/")
    assert (first["width"], first["height"]) == (320, 320)
    assert all(0 <= result["relevance"] <= 1 for result in body["results"])
    plain = client_results(live_server, rank="plain")
    scores = [result["score"] for result in plain]
    assert scores == sorted(scores, reverse=True)
    assert {result["relevance"] for result in plain} == {None}


def client_results(live_server: LiveServer, **fields: str) -> list[dict[str, Any]]:
    with live_server.client() as client:
        answer = client.post("/search", params=fields, content=PNG, headers={"content-type": "image/png"})
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_k_has_a_default_and_limits(live_server: LiveServer) -> None:
    with live_server.client() as client:
        assert len(client.post("/search", content=PNG).json()["results"]) == 20
        assert len(client.post("/search?k=200", content=PNG).json()["results"]) == 30
        for k in ("0", "201", "-1", "many"):
            assert "k: " in problem(client.post(f"/search?k={k}", content=PNG), 422, "invalid_request")


def test_results_lead_to_photo_and_thumbnail(live_server: LiveServer) -> None:
    with live_server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
        photo, thumbnail = client.get(result["url"]), client.get(result["thumbnail_url"])
    assert photo.content == (live_server.photos / result["path"]).read_bytes()
    assert photo.headers["content-type"] == "image/jpeg"
    assert thumbnail.headers["content-type"] == "image/webp"
    assert "immutable" in thumbnail.headers["cache-control"]


def test_photos_come_in_parts_and_only_when_changed(live_server: LiveServer) -> None:
    with live_server.client() as client:
        url = client.post("/search?k=1", content=PNG).json()["results"][0]["url"]
        whole = client.get(url)
        part = client.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert whole.headers["etag"]


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        (drawing_png(paper="white", ink="white"), "empty_drawing", "empty"),
        (b"", "no_sketch", "empty"),
        (b"Dear diary", "bad_image", "not a picture"),
        (truncated(jpeg()), "bad_image", "is cut off"),
        (bomb_png(), "bad_image", "900 megapixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bad_image", "SVG"),
    ],
    ids=["empty drawing", "no bytes", "text", "truncated", "bomb", "svg"],
)
def test_what_is_no_drawing(live_server: LiveServer, body: bytes, code: str, part: str) -> None:
    with live_server.client() as client:
        assert part.lower() in problem(client.post("/search", content=body), 422, code).lower()
        form = {"sketch": ("s.png", body, "image/png")}
        assert part.lower() in problem(client.post("/search", files=form), 422, code).lower()
        assert client.post("/search", content=PNG).status_code == 200


def test_fields_in_the_address_are_enough(live_server: LiveServer) -> None:
    line = '[{"width": 7, "points": [[100, 120], [180, 90]]}]'
    with live_server.client() as client:
        for params in ({"strokes": line}, {"like": client.get("/photos?k=1").json()["photos"][0]["id"]}):
            posted = client.post("/search", params=params)
            assert posted.status_code == 200
            assert posted.json()["results"] == client.get("/search", params=params).json()["results"]
        problem(client.post("/search?k=3"), 422, "no_sketch")


def test_forms_without_a_sketch(live_server: LiveServer) -> None:
    with live_server.client() as client:
        assert "picture" in problem(client.post("/search", files={"picture": PNG}), 422, "invalid_request")
        problem(client.post("/search", files={"photo": b""}, data={"sketch": "words"}), 422, "no_sketch")
        broken = client.post("/search", content=b"no form", headers={"content-type": "multipart/form-data"})
        problem(broken, 400, "bad_request")


def test_other_kinds_of_body_are_refused(live_server: LiveServer) -> None:
    with live_server.client() as client:
        for body in (
            {"json": {"sketch": "x"}},
            {"data": {"sketch": "fish.png"}},
            {"data": {"text": "a fish"}},
        ):
            detail = problem(client.post("/search", **body), 415, "unsupported_media_type")
            assert (
                "send a form (multipart/form-data) with a picture in `sketch`, or lines in `strokes`"
                in detail
            )


@pytest.mark.parametrize("streamed", [False, True], ids=["announced", "streamed"])
def test_too_large_a_body(live_server: LiveServer, streamed: bool) -> None:
    body: Any = (bytes(2**20) for _ in range(21)) if streamed else bytes(21 * 2**20)
    with live_server.client() as client:
        problem(
            client.post("/search", content=body, headers={"content-type": "image/png"}),
            413,
            "content_too_large",
        )


def test_unknown_addresses_methods_and_ids(live_server: LiveServer) -> None:
    with live_server.client() as client:
        problem(client.get("/nothing"), 404, "not_found")
        problem(client.put("/search"), 405, "method_not_allowed")
        for wrong in ("0" * 16, "zz", "%2e%2e", "1" * 15):
            problem(client.get(f"/photos/{wrong}"), 404, "photo_not_found")
            problem(client.get(f"/photos/{wrong}/thumbnail"), 404, "photo_not_found")
        problem(client.get("/photos/" + "1" * 17), 422, "invalid_request")


def test_health_and_documents(live_server: LiveServer) -> None:
    with live_server.client() as client:
        assert client.get("/livez").json() == {"alive": True}
        ready = client.get("/readyz").json()
        assert ready == {
        "ready": True, "setup": False, "photos": 30, "generation": "000001", "model": "lite", "reasons": [],
    }  # fmt: skip
        spec = client.get("/openapi.json").json()
    assert set(spec["paths"]) >= {
        "/search",
        "/photos/{photo_id}",
        "/photos/{photo_id}/thumbnail",
        "/livez",
        "/readyz",
    }
    body = spec["paths"]["/search"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "image/png", "image/jpeg", "image/webp"}
    assert "Problem" in json.dumps(spec["paths"]["/search"]["post"]["responses"]["422"])


def test_every_answer_is_guarded(live_server: LiveServer) -> None:
    with live_server.client() as client:
        for address in ("/", "/livez", "/nothing", "/web/app.js", "/openapi.json"):
            headers = client.get(address).headers
            assert headers["x-content-type-options"] == "nosniff", address
            assert "default-src 'self'" in headers["content-security-policy"], address
            assert "access-control-allow-origin" not in headers


def test_no_answer_tells_where_photos_lie(own_server: LiveServer) -> None:
    with own_server.client() as client:
        found = client.post("/search", content=PNG)
        victim = found.json()["results"][0]
        (own_server.photos / victim["path"]).unlink()
        answers = [found, client.get(victim["url"]), client.get("/readyz"), client.get("/openapi.json")]
    assert not [answer for answer in answers if str(own_server.photos.parent) in answer.text]


def test_a_photo_deleted_since_it_was_indexed(own_server: LiveServer) -> None:
    with own_server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
        (own_server.photos / result["path"]).unlink()
        assert "index again" in problem(client.get(result["url"]), 410, "photo_gone")
        assert client.get(result["thumbnail_url"]).status_code == 200
        shutil.rmtree(own_server.index / "thumbnails")
        problem(client.get(result["thumbnail_url"]), 410, "photo_gone")


def test_a_lost_thumbnail_is_made_again(own_server: LiveServer) -> None:
    with own_server.client() as client:
        url = client.post("/search?k=1", content=PNG).json()["results"][0]["thumbnail_url"]
        before = client.get(url).content
        shutil.rmtree(own_server.index / "thumbnails")
        assert client.get(url).content == before


def test_a_photo_that_became_a_link_out_is_gone(own_server: LiveServer) -> None:
    secret = own_server.photos.parent / "secret.jpg"
    secret.write_bytes(b"secret")
    with own_server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
        photo = own_server.photos / result["path"]
        photo.unlink()
        photo.symlink_to(secret)
        problem(client.get(result["url"]), 410, "photo_gone")
        shutil.rmtree(own_server.index / "thumbnails")
        problem(client.get(result["thumbnail_url"]), 410, "photo_gone")


def test_a_new_generation_is_taken_up_while_searches_run(own_server: LiveServer) -> None:
    gallery = own_server.gallery
    with own_server.client() as client, ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(client.post, "/search?k=1", content=PNG) for _ in range(40)]
        picture("star", 77).save(own_server.photos / "new.png")
        index_quickly(own_server.index, own_server.photos, gallery.encoder)
        ready = wait_for(client, lambda ready: ready["generation"] == "000002")
        assert {answer.result().status_code for answer in answers} == {200}
    assert ready["photos"] == 31


def test_a_look_for_a_new_generation_that_fails_is_not_the_last(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def failing(*_: object) -> object:
        tried.append(1)
        raise FileNotFoundError("gone while it was listed")

    with monkeypatch.context() as patch, own_server.client() as client:
        patch.setattr(own_server.gallery.source, "glance", failing)
        until(lambda: len(tried) > 2)
        assert client.post("/search", content=PNG).status_code == 200
    assert caplog.text.count("looking for a newer generation failed") == 1
    picture("star", 77).save(own_server.photos / "new.png")
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    with own_server.client() as client:
        wait_for(client, lambda ready: ready["generation"] == "000002")


def test_a_broken_generation_is_reported_and_the_old_one_serves_on(own_server: LiveServer) -> None:
    (own_server.index / "CURRENT").write_text("000009\n")
    with own_server.client() as client:
        ready = wait_for(client, lambda ready: ready["reasons"])
        assert (ready["ready"], ready["generation"]) == (True, "000001")
        assert client.post("/search", content=PNG).status_code == 200
        (own_server.index / "CURRENT").write_text("000001\n")
        wait_for(client, lambda ready: not ready["reasons"])


def test_many_clients_at_once(live_server: LiveServer) -> None:
    with live_server.client() as client, ThreadPoolExecutor(16) as pool:
        bodies = [PNG, b"rubbish"] * 40
        answers = list(pool.map(lambda body: client.post("/search?k=3", content=body), bodies))
    assert {answer.status_code for answer in answers[::2]} == {200}
    assert {answer.status_code for answer in answers[1::2]} == {422}
    assert len({json.dumps(answer.json()["results"]) for answer in answers[::2]}) == 1
