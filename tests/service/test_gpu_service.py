"""The service with a card: what it says of it, and what it answers when the card is lost."""

import gc
import io
from pathlib import Path

import httpx
import pytest

from indexer import Silent, run
from indexer.generations.shelf import FolderShelf
from indexer.stores.embedded import FaissBackend
from indexer.stores.registry import Stores
from model import SKETCH_CAPS, Encoder
from model.engines.openvino import OpenVinoEngine
from model.errors import DeviceProblem
from service.search.gallery import Gallery
from tests.kit.faiss_gpu import Card, on_gpu
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import drawing, write_library

_BYTES = io.BytesIO()
drawing("fish").save(_BYTES, "PNG")
PNG = _BYTES.getvalue()
LOST = "the GPU failed while it was working and is lost to this process: restart the process"


def test_the_info_names_the_devices(live_server: LiveServer) -> None:
    info = httpx.get(f"{live_server.url}/info").json()
    assert (info["device"], info["index_device"]) == ("cpu", "cpu")


def test_an_index_on_a_card_serves_and_makes_way_for_the_next(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card()
    card.install(monkeypatch)
    photos, index = write_library(tmp_path / "photos"), tmp_path / "index"
    run(index, [photos], encoder, Silent())
    on_card = Stores(backends={"faiss": FaissBackend(opener=on_gpu("flat"))})
    gallery = Gallery(index, encoder, SKETCH_CAPS, source=FolderShelf(index, on_card))
    with listening(gallery) as url:
        assert httpx.get(f"{url}/info").json()["index_device"] == "cuda:0 of a test (FAISS, flat)"
        answer = httpx.post(f"{url}/search", content=PNG, headers={"content-type": "image/png"})
        assert len(answer.json()["results"]) == 15
        older = gallery.published
        (photos / "one more.jpg").write_bytes(next(photos.rglob("*.jpg")).read_bytes()[:-2] + b"\xff\xd9\x00")
        run(index, [photos], encoder, Silent())
        gallery.refresh()
        gc.collect()
        assert gallery.published is not older
        # Searches that still run in the older one end on the host.
        assert older.device == "cpu"
        assert len(card.indexes) == 1
    assert len(card.threads) == 1


def test_a_lost_card_is_told_by_readyz_and_by_every_search(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise DeviceProblem(LOST)

    engine = live_server.gallery.encoder.engine
    monkeypatch.setattr(OpenVinoEngine, "embed_images", lost)
    monkeypatch.setattr(engine, "problem", LOST)
    ready = httpx.get(f"{live_server.url}/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (503, [LOST])
    answer = httpx.post(f"{live_server.url}/search", content=PNG, headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        503,
        "device_problem",
        LOST,
    )
    assert int(answer.headers["retry-after"]) > 0
