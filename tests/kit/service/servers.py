"""Real servers over real sockets, and an encoder that hangs or fails when a test wants it to."""

import copy
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from model import SKETCH_CAPS, Encoder
from service.app import create_app
from service.asgi.connections import server
from service.search.gallery import Gallery
from service.settings import Settings
from tests.kit.jobs import index_quickly
from tests.kit.service.asking import PNG
from tests.kit.shapes import write_library


@dataclass(frozen=True)
class LiveServer:
    url: str
    photos: Path
    index: Path
    gallery: Gallery

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)


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
            assert thread.is_alive(), "the server died during startup"
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
    index_quickly(index, photos, encoder)
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery, **settings) as url:
        yield LiveServer(url, photos, index, gallery)
    gallery.published.close()


class Moody:
    """The shipped encoder, which a test can make hang or fail."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.free = threading.Event()
        self.free.set()
        self.began = threading.Event()
        self.fails: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_sketches(self, prepared: Any) -> Any:
        self._wait()
        return self._encoder.encode_sketches(prepared)

    def encode(self, prepared: Any, kind: Any) -> Any:
        self._wait()
        return self._encoder.encode(prepared, kind)

    def _wait(self) -> None:
        self.began.set()
        assert self.free.wait(60)
        if self.fails is not None:
            raise self.fails


def moody(server: LiveServer) -> tuple[Gallery, Moody]:
    gallery = copy.copy(server.gallery)
    encoder = Moody(server.gallery.encoder)
    gallery.served = replace(server.gallery.served, encoder=encoder)  # type: ignore[arg-type]
    return gallery, encoder


def first(server: LiveServer) -> tuple[Path, dict[str, str]]:
    with server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
    return server.photos / result["path"], result
