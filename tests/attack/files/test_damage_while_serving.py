"""Files of the index that are cut short, written over or removed under a running service: it never lies about it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from indexer import Silent, run
from indexer.generations.generation import current
from indexer.stores.faiss.lease import Lease
from tests.kit import TOP
from tests.kit.damage import cut, damaged
from tests.kit.service.asking import PNG, figure, problem, wait_for
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture
from tests.kit.waiting import until


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("damage", [cut(0), cut(0.1), cut(0.9), grow], ids=["0", ".1", ".9", "grown"])
def test_a_photo_list_that_is_cut_short(own_server: LiveServer, damage: Callable[[Path], object]) -> None:
    photos = current(own_server.index) / "photos.sqlite"
    with own_server.client() as client:
        known = client.post("/search?k=1", content=PNG).json()["results"][0]
        with damaged(photos, damage):
            # At once, before anybody has looked around: no part of a list is ever taken for the whole.
            told = problem(client.post("/search?k=30", content=PNG), 503, "index_damaged")
            assert "sketchseek index" in told
            ready = wait_for(client, lambda ready: not ready["ready"])
            assert client.get("/readyz").status_code == 503
            assert "photos.sqlite" in ready["reasons"][0]
            assert str(own_server.index.parent) not in json.dumps(ready)
            assert figure(own_server.url, "sketchseek_ready") == 0
            for address in (known["url"], known["thumbnail_url"], f"/search?like={known['id']}", "/index"):
                assert client.get(address).headers["content-type"] == "application/problem+json", address
                problem(client.get(address), 503, "index_damaged")
            assert client.get("/livez").status_code == 200
        wait_for(client, lambda ready: ready["ready"] and not ready["reasons"])
        assert client.get("/readyz").status_code == 200
        found = client.post("/search?k=30", content=PNG)
        assert (found.status_code, len(found.json()["results"])) == (200, 30)
        assert found.json()["results"][0]["id"] == known["id"]


def test_readiness_tells_of_damage_that_no_search_has_met(own_server: LiveServer) -> None:
    with own_server.client() as client, damaged(current(own_server.index) / "photos.sqlite", cut(0.5)):
        assert wait_for(client, lambda ready: not ready["ready"])["reasons"]


def test_bytes_that_are_written_over(own_server: LiveServer) -> None:
    def scribble(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 4096)

    with own_server.client() as client:
        with damaged(current(own_server.index) / "photos.sqlite", scribble):
            wait_for(client, lambda ready: not ready["ready"])
            problem(client.post("/search?k=30", content=PNG), 503, "index_damaged")
        wait_for(client, lambda ready: ready["ready"])
        assert len(client.post("/search?k=30", content=PNG).json()["results"]) == 30


def test_an_earlier_generation_takes_the_place_until_all_is_mended(own_server: LiveServer) -> None:
    picture("star", 77).save(own_server.photos / "new.png")
    run(own_server.index, [own_server.photos], own_server.gallery.encoder, Silent())
    with own_server.client() as client:
        wait_for(client, lambda ready: ready["generation"] == "000002")
        with damaged(current(own_server.index) / "photos.sqlite", cut(0.5)):
            ready = wait_for(client, lambda ready: ready["generation"] == "000001")
            assert ready["ready"]
            assert "photos.sqlite" in ready["reasons"][0]
            found = client.post("/search?k=100", content=PNG).json()
            assert (found["generation"], len(found["results"])) == ("000001", 30)
        # Files are looked at again a moment after the generation is open.
        ready = wait_for(client, lambda ready: ready["generation"] == "000002" and not ready["reasons"])
        assert ready["photos"] == 31


@pytest.mark.parametrize("name", ["photos.sqlite", "index.faiss", "manifest.json"])
def test_what_is_removed_is_told_and_served_on(own_server: LiveServer, name: str) -> None:
    """As long as it is open nothing is lost; who starts the service anew shall know before that it is gone."""
    path = current(own_server.index) / name
    with own_server.client() as client:
        path.rename(path.with_suffix(".away"))
        ready = wait_for(client, lambda ready: bool(ready["reasons"]))
        assert ready["ready"]
        assert name in ready["reasons"][0]
        assert len(client.post("/search?k=30", content=PNG).json()["results"]) == 30
        path.with_suffix(".away").rename(path)
        wait_for(client, lambda ready: not ready["reasons"])


def test_an_index_in_memory_is_served_on(own_server: LiveServer) -> None:
    with own_server.client() as client, damaged(current(own_server.index) / "index.faiss", cut(0.5)):
        ready = wait_for(client, lambda ready: bool(ready["reasons"]))
        assert (ready["ready"], "index.faiss" in ready["reasons"][0]) == (True, True)
        assert len(client.post("/search?k=30", content=PNG).json()["results"]) == 30


def test_a_touched_file_is_looked_at_and_served_on(own_server: LiveServer) -> None:
    swaps = own_server.gallery.swaps
    (current(own_server.index) / "photos.sqlite").touch()
    until(lambda: own_server.gallery.swaps > swaps)
    with own_server.client() as client:
        assert client.get("/readyz").json()["reasons"] == []
        assert client.post("/search", content=PNG).status_code == 200


def test_damage_that_sqlite_alone_notices(own_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive that gives wrong bytes changes no file's size or time."""
    import sqlite3

    class Broken:
        def execute(self, *_: object) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        def close(self) -> None:
            pass

    with listening(own_server.gallery, refresh_seconds=3600) as url:
        whole = own_server.gallery.published
        monkeypatch.setattr(whole._photos, "_db", Broken())
        problem(httpx.post(f"{url}/search", content=PNG), 503, "index_damaged")
        # The fixture's own server looks around ten times a second.
        until(lambda: own_server.gallery.published is not whole)
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200


@contextmanager
def mapping(index: Path, more: str = "") -> Iterator[str]:
    """A service that maps every index, in a process of its own, for a signal would end this one; gives its address."""
    script = (
        f"import sys, indexer.stores.faiss.file as files; files.IN_MEMORY = 0; {more}"
        "from service.cli import main; main(['serve', '--port', '0', '--index', sys.argv[1]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(index)], cwd=TOP, text=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process.stdout.readline().split()[2].rstrip("/")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _leases(folder: Path) -> bool:
    """Whether files can be leased here, as on local drives of Linux."""
    (folder / "leased").touch()
    return Lease.take(folder / "leased") is not None


def test_who_cuts_a_mapped_index_waits_until_it_is_in_memory(own_server: LiveServer, tmp_path: Path) -> None:
    """Cut in the midst of searches, which would kill a process that goes on reading."""
    if not _leases(tmp_path):
        pytest.skip("this file system knows no leases")
    with mapping(own_server.index) as url, httpx.Client(base_url=url, timeout=60) as client:
        whole = client.post("/search?k=30", content=PNG).json()["results"]
        for share in (0.9, 0.0):
            with damaged(current(own_server.index) / "index.faiss", cut(share)):
                assert client.post("/search?k=30", content=PNG).json()["results"] == whole
                assert wait_for(client, lambda ready: bool(ready["reasons"]))["ready"]
                assert client.post("/search?k=30", content=PNG).json()["results"] == whole
            wait_for(client, lambda ready: not ready["reasons"])


def test_without_leases_a_mapped_index_that_was_cut_is_not_read(own_server: LiveServer) -> None:
    no_lease = "from indexer.stores.faiss.lease import Lease; Lease.take = classmethod(lambda *_: None); "
    with mapping(own_server.index, no_lease) as url, httpx.Client(base_url=url, timeout=30) as client:
        known = client.post("/search?k=1", content=PNG).json()["results"][0]
        with damaged(current(own_server.index) / "index.faiss", cut(0)):
            for address in ("/search?text=a+fish", f"/search?like={known['id']}"):
                problem(client.get(address), 503, "index_damaged")
            wait_for(client, lambda ready: not ready["ready"])
        wait_for(client, lambda ready: ready["ready"])
        assert client.post("/search?k=1", content=PNG).json()["results"][0]["id"] == known["id"]
