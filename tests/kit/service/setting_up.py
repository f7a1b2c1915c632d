"""A service before its first run, in a home of its own, as the page of its user asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from model import SKETCH_CAPS, Encoder
from service.search.gallery import Gallery
from tests.kit.service.servers import listening
from tests.kit.waiting import until


@contextmanager
def started(index: Path, encoder: Encoder, **settings: object) -> Iterator[httpx.Client]:
    """A service on an index that need not exist, asked by its user."""
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with (
        listening(gallery, refresh_seconds=0.1, **settings) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client
    gallery.published.close()


def state(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/admin/library").json()
    return found


def settled(client: httpx.Client) -> dict[str, Any]:
    """Waits until no run is active and what it published is served."""
    until(lambda: state(client)["state"] != "running", 120)
    return state(client)
