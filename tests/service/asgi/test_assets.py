"""The files of the page: compressed for those who accept it, and asked for again only when they changed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from service.asgi.assets import Assets, Html

SCRIPT = "export const photos = [];\n" * 200


@pytest.fixture
def files(tmp_path: Path) -> TestClient:
    (tmp_path / "app.js").write_text(SCRIPT)
    (tmp_path / "map.png").write_bytes(b"\x89PNG" * 100)
    app = Starlette()
    app.mount("/web", Assets(directory=tmp_path))
    return TestClient(app)


def test_text_travels_compressed_and_arrives_whole(files: TestClient) -> None:
    answer = files.get("/web/app.js", headers={"accept-encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) < len(SCRIPT) / 10
    assert answer.text == SCRIPT


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", ""])
def test_others_get_it_plain(files: TestClient, accepted: str) -> None:
    answer = files.get("/web/app.js", headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.text == SCRIPT


def test_pictures_are_sent_as_they_are(files: TestClient) -> None:
    answer = files.get("/web/map.png", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.content == b"\x89PNG" * 100


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_file_that_has_not_changed_is_not_sent_again(files: TestClient, accepted: str) -> None:
    tag = files.get("/web/app.js", headers={"accept-encoding": accepted}).headers["etag"]
    again = files.get("/web/app.js", headers={"accept-encoding": accepted, "if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_an_edited_file_is_sent_anew(files: TestClient, tmp_path: Path) -> None:
    first = files.get("/web/app.js", headers={"accept-encoding": "gzip"})
    (tmp_path / "app.js").write_text("export const other = 1;\n")
    again = files.get("/web/app.js", headers={"if-none-match": first.headers["etag"]})
    assert again.text == "export const other = 1;\n"


def test_nothing_outside_is_served(files: TestClient) -> None:
    assert files.get("/web/%2e%2e/secret").status_code == 404


def test_the_page_is_compressed_once() -> None:
    html = Html(lambda: "<p>" * 1000)
    small = html.response(Headers({"accept-encoding": "gzip"}))
    assert gzip.decompress(bytes(small.body)) == b"<p>" * 1000
    assert bytes(html.response(Headers({})).body) == b"<p>" * 1000
