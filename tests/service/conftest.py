"""A real server over a real socket, for the tests of the API and of the page."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from indexer import Silent, run
from model import SKETCH_CAPS, Encoder
from service.app import create_app
from service.asgi.connections import server
from service.search.gallery import Gallery
from service.settings import Settings
from tests.kit.shapes import write_library


@dataclass(frozen=True)
class LiveServer:
    url: str
    photos: Path
    index: Path
    gallery: Gallery

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)


@contextmanager
def listening(gallery: Gallery, **settings: object) -> Iterator[str]:
    """Serves an open gallery until the block ends; gives the address."""
    chosen = Settings.model_validate({"index": gallery.index, **settings})
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    running = server(create_app(gallery, chosen), chosen)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive(), "the server died while it started"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(15)
        listener.close()


@contextmanager
def serving(folder: Path, encoder: Encoder, **settings: object) -> Iterator[LiveServer]:
    """Indexes a new library below the folder and serves it until the block ends."""
    photos, index = write_library(folder / "photos", each=6), folder / "index"
    run(index, [photos], encoder, Silent())
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery, **settings) as url:
        yield LiveServer(url, photos, index, gallery)
    gallery.published.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """One server for all tests of a worker that change nothing."""
    with serving(tmp_path_factory.mktemp("live"), encoder) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path, encoder: Encoder) -> Iterator[LiveServer]:
    """A server of the test's own, whose photos and index it may change."""
    with serving(tmp_path, encoder, refresh_seconds=0.1) as server:
        yield server
