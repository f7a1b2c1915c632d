"""A service whose library is on a server: it starts without it, and outlives its death and its silence."""

from pathlib import Path

import httpx
import pytest

from indexer.address import Access
from indexer.library import shelf
from model import SKETCH_CAPS, Encoder
from service.search.gallery import Gallery
from tests.kit.engines.milvus import MilvusServer
from tests.kit.remote import Stored
from tests.kit.service.asking import PNG, problem, wait_for
from tests.kit.service.servers import listening
from tests.kit.shapes import picture
from tests.kit.waiting import until

pytestmark = pytest.mark.slow
# Short, so that a server that says nothing is not waited for.
ACCESS = Access(timeout=1.0)


def gallery(stored: Stored, encoder: Encoder, index: Path) -> Gallery:
    index.mkdir()
    return Gallery(index, encoder, SKETCH_CAPS, source=shelf(stored.address, access=ACCESS))


def test_everything_that_a_folder_can(stored: Stored, encoder: Encoder, tmp_path: Path) -> None:
    """The same photos in the same order as from an index folder, and all that the page asks for."""
    from indexer import Silent, run

    run(tmp_path / "index", [stored.photos], encoder, Silent())
    beside = Gallery(tmp_path / "index", encoder, SKETCH_CAPS)
    with (
        listening(gallery(stored, encoder, tmp_path / "serving")) as url,
        listening(beside) as other,
        httpx.Client(base_url=url, timeout=60) as client,
        httpx.Client(base_url=other, timeout=60) as folder,
    ):
        assert client.get("/readyz").json()["ready"]
        for query in (
            "",
            "?rank=plain",
            "?rank=collection",
            "?rank=local",
            "?k=3&offset=4",
            "?fold_duplicates=true",
        ):
            ours, theirs = (each.post(f"/search{query}", content=PNG).json() for each in (client, folder))
            assert [one["path"] for one in ours["results"]] == [one["path"] for one in theirs["results"]], (
                query
            )
            assert ours["ranked_by"] == theirs["ranked_by"]
            scores = [[one["score"] for one in answer["results"]] for answer in (ours, theirs)]
            assert scores[0] == pytest.approx(scores[1], abs=2e-3)
        found = ours["results"][0]
        assert client.get(found["url"]).content == (stored.photos / found["path"]).read_bytes()
        assert client.get(found["thumbnail_url"]).headers["content-type"] == "image/webp"
        listed = [
            [one["path"] for one in each.get("/photos?k=7&offset=2").json()["photos"]]
            for each in (client, folder)
        ]
        assert listed[0] == listed[1]
        assert client.get(f"/search?like={found['id']}").json()["results"][0]["id"] == found["id"]
        info = client.get("/info").json()
        assert (info["index_type"], info["photos"]) == (
            "milvus:flat",
            sum(path.is_file() for path in stored.photos.rglob("*")),
        )
        metrics = client.get("/metrics").text
        assert "sketchseek_store_calls" in metrics
        assert "sketchseek_store_calls" not in folder.get("/metrics").text


def test_a_server_that_is_killed_and_comes_back(stored: Stored, encoder: Encoder, tmp_path: Path) -> None:
    with (
        listening(gallery(stored, encoder, tmp_path / "serving"), refresh_seconds=0.1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        before = client.post("/search", content=PNG).json()["results"]
        stored.server.kill()
        told = client.post("/search", content=PNG)
        problem(told, 503, "store_unavailable")
        assert int(told.headers["retry-after"]) >= 1
        assert str(stored.server.url) not in told.text
        wait_for(client, lambda ready: not ready["ready"])
        assert client.get("/livez").status_code == 200
        stored.server.start()
        wait_for(client, lambda ready: ready["ready"])
        assert client.post("/search", content=PNG).json()["results"] == before


def test_a_server_that_says_nothing(stored: Stored, encoder: Encoder, tmp_path: Path) -> None:
    """Searches do not pile up: after a few, they are refused without waiting."""
    # In less than the five seconds after which Milvus gives up itself.
    source = shelf(stored.address, access=Access(timeout=0.25))
    (tmp_path / "serving").mkdir()
    opened = Gallery(tmp_path / "serving", encoder, SKETCH_CAPS, source=source)
    with (
        listening(opened, refresh_seconds=0.1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        stored.server.pause()
        for _ in range(7):
            problem(client.post("/search", content=PNG), 503, "store_unavailable")
        traffic = source.traffic()
        assert traffic is not None
        assert traffic.open
        assert traffic.failures < 7 + 5
        wait_for(client, lambda ready: not ready["ready"])
        stored.server.resume()
        wait_for(client, lambda ready: ready["ready"])
        until(lambda: client.post("/search", content=PNG).status_code == 200)


def test_a_service_starts_before_its_server(stored: Stored, encoder: Encoder, tmp_path: Path) -> None:
    stored.server.kill()
    with (
        listening(gallery(stored, encoder, tmp_path / "serving"), refresh_seconds=0.1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["setup"]) == (503, False, False)
        assert (
            "does not answer" in ready.json()["reasons"][0] or "no connection" in ready.json()["reasons"][0]
        )
        problem(client.post("/search", content=PNG), 503, "store_unavailable")
        problem(client.get("/photos"), 503, "store_unavailable")
        stored.server.start()
        wait_for(client, lambda ready: ready["ready"])
        assert client.post("/search", content=PNG).json()["results"]


def test_a_newer_generation_is_taken_up(stored: Stored, encoder: Encoder, tmp_path: Path) -> None:
    with (
        listening(gallery(stored, encoder, tmp_path / "serving"), refresh_seconds=0.1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        before = client.get("/readyz").json()
        picture("star", 77).save(stored.photos / "new.png")
        stored.publish(encoder)
        ready = wait_for(client, lambda ready: ready["generation"] == "000002")
        assert (ready["photos"], ready["reasons"]) == (before["photos"] + 1, [])
        assert client.post("/search", content=PNG).json()["generation"] == "000002"


def test_a_server_without_a_library(own_milvus: MilvusServer, encoder: Encoder, tmp_path: Path) -> None:
    source = shelf(own_milvus.address("nothing"), access=ACCESS)
    with (
        listening(Gallery(tmp_path / "serving", encoder, SKETCH_CAPS, source=source)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        ready = client.get("/readyz").json()
        assert (ready["ready"], ready["setup"]) == (False, True)
        assert client.post("/search", content=PNG).json()["results"] == []
