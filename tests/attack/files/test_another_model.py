"""An index of another model, and another model's files, that appear under a service at work: it goes on as before."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer import Silent, run
from indexer.generations.generation import current
from model import SKETCH_CAPS, Encoder
from model.card import SHIPPED
from service.search.gallery import Gallery
from tests.kit.damage import cut, damaged
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, problem, wait_for
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import drawing, picture
from tests.kit.standin import StandIn
from tests.kit.waiting import until


@contextmanager
def under_load(url: str) -> Iterator[list[Future[set[Any]]]]:
    """Two callers who ask all the time; each gives what it was answered, as (status, generation)."""
    stop = threading.Event()

    def ask() -> set[Any]:
        seen = set()
        with httpx.Client(base_url=url, timeout=60) as client:
            while not stop.is_set():
                answer = client.post("/search?k=3", content=PNG)
                seen.add((answer.status_code, answer.json().get("generation")))
        return seen

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            yield asking
        finally:
            stop.set()


def test_an_index_of_another_model_is_refused_while_the_old_one_serves(own_server: LiveServer) -> None:
    encoder = own_server.gallery.encoder
    with own_server.client() as client, under_load(own_server.url) as asking:
        before = client.post("/search?k=30", content=PNG).json()["results"]
        run(own_server.index, [own_server.photos], StandIn(), Silent())  # type: ignore[arg-type]
        assert (own_server.index / "CURRENT").read_text().strip() == "000002"
        ready = wait_for(client, lambda ready: "another model" in "".join(ready["reasons"]))
        assert (ready["ready"], ready["generation"]) == (True, "000001")
        assert str(own_server.index.parent) not in "".join(ready["reasons"])
        told = client.post("/admin/reload").json()
        assert (told["swapped"], "another model" in told["problem"]) == (False, True)
        assert client.post("/search?k=30", content=PNG).json()["results"] == before
        # Embedded anew by this model, as the reason says, it is taken up.
        picture("star", 77).save(own_server.photos / "new.png")
        run(own_server.index, [], encoder, Silent())
        ready = wait_for(client, lambda ready: ready["generation"] == "000003")
        assert (ready["reasons"], ready["photos"]) == ([], 31)
    assert set[Any]().union(*(one.result() for one in asking)) <= {(200, "000001"), (200, "000003")}


def test_damage_beside_an_index_of_another_model_is_survived(own_server: LiveServer) -> None:
    """What CURRENT names can never be opened here, and what is served is cut short and mended."""
    served = current(own_server.index)
    run(own_server.index, [own_server.photos], StandIn(), Silent())  # type: ignore[arg-type]
    with own_server.client() as client:
        wait_for(client, lambda ready: "another model" in "".join(ready["reasons"]))
        with damaged(served / "photos.sqlite", cut(0.5)):
            wait_for(client, lambda ready: not ready["ready"])
            problem(client.post("/search", content=PNG), 503, "index_damaged")
        ready = wait_for(client, lambda ready: ready["ready"])
        assert ready["generation"] == "000001"
        assert "another model" in ready["reasons"][0]
        assert client.post("/search", content=PNG).status_code == 200


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED / "lite", tmp_path / "model")


@pytest.mark.parametrize("swap", ["cut", "scribbled", "removed"])
def test_files_of_a_model_that_is_at_work_may_go(live_server: LiveServer, model: Path, swap: str) -> None:
    """It was checked when it was read; whatever becomes of the files, no vector changes, and nobody is killed."""
    encoder = Encoder.load(model, engine="openvino")
    gallery = Gallery(live_server.index, encoder, SKETCH_CAPS)
    with listening(gallery) as url, httpx.Client(base_url=url, timeout=60) as client:
        star = encoded(drawing("star"), "PNG")
        before = client.post("/search?k=30", content=star).json()["results"]
        for path in model.iterdir():
            whole = path.read_bytes()
            path.unlink() if swap == "removed" else path.write_bytes(b"" if swap == "cut" else whole[::-1])
        assert client.post("/search?k=30", content=star).json()["results"] == before
        assert client.get("/readyz").json()["ready"]
        # What is first read now is checked now.
        problem(client.get("/search?text=a+fish"), 500, "encoding_failed")
        until(lambda: client.post("/search?k=30", content=star).status_code == 200)
    gallery.published.close()
