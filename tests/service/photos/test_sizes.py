"""Medium and large pictures: made once, from what is at hand, on what searches leave, and never of another size."""

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from indexer import make_thumbnail, thumbnail_path
from indexer.decoding.thumbnails import OUTDATED
from service.photos import thumbnails
from service.photos.making import Maker
from tests.kit.jobs import index_quickly
from tests.kit.pictures import jpeg
from tests.kit.service.asking import PNG, opened, problem
from tests.kit.service.servers import LiveServer
from tests.kit.waiting import until


def add(server: LiveServer, width: int, height: int) -> dict[str, Any]:
    """A photo of this size, indexed and served."""
    (server.photos / "new.jpg").write_bytes(jpeg(width, height, 7))
    index_quickly(server.index, server.photos, server.gallery.encoder)
    server.gallery.refresh()
    with server.client() as client:
        found = client.post("/search?k=200", content=PNG).json()["results"]
    new: dict[str, Any] = next(one for one in found if one["path"] == "new.jpg")
    return new


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(2000, 1000, (320, 640, 1280)), (500, 700, (320, 640, 700)), (300, 200, (300, 300, 300))],
)
def test_no_picture_is_enlarged_or_kept_twice(
    own_server: LiveServer, width: int, height: int, expected: tuple[int, ...]
) -> None:
    url = add(own_server, width, height)["thumbnail_url"]
    with own_server.client() as client:
        sizes = [max(opened(client.get(f"{url}&size={size}")).size) for size in ("small", "medium", "large")]
    assert tuple(sizes) == expected
    made = list((own_server.index / "thumbnails").glob("*/*/*.webp"))
    assert len(made) == len(set(expected[1:]))


def test_medium_comes_from_the_large_one_even_without_the_photo(own_server: LiveServer) -> None:
    new = add(own_server, 2000, 1000)
    with own_server.client() as client:
        opened(client.get(f"{new['thumbnail_url']}&size=large"))
        (own_server.photos / "new.jpg").unlink()
        assert opened(client.get(f"{new['thumbnail_url']}&size=medium")).size == (640, 320)


def test_medium_needs_the_photo_that_was_indexed(own_server: LiveServer) -> None:
    new = add(own_server, 2000, 1000)
    (own_server.photos / "new.jpg").write_bytes(jpeg(2000, 1000, 8))
    with own_server.client() as client:
        problem(client.get(f"{new['thumbnail_url']}&size=medium"), 410, "photo_changed")


def test_large_pictures_of_older_versions_are_not_sent_and_go(own_server: LiveServer) -> None:
    new = add(own_server, 2000, 1000)
    folder = own_server.index / "thumbnails"
    with own_server.client() as client:
        answer = client.get(f"{new['thumbnail_url']}&size=large")
        content = answer.headers["etag"].strip('"').partition("-")[0]
        now = thumbnail_path(folder, content, "large")
        old = folder / OUTDATED / content[:2] / now.name
        old.parent.mkdir(parents=True)
        shutil.move(now, old)
        assert max(opened(client.get(f"{new['thumbnail_url']}&size=large")).size) == 1280
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    assert (old.exists(), now.exists()) == (False, True)


def test_many_who_ask_for_one_picture_get_it_made_once(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{add(own_server, 2000, 1000)['thumbnail_url']}&size=medium"
    asked: list[object] = []
    made: list[object] = []
    all_there = threading.Event()
    once = Maker.once

    async def counted(maker: Maker, key: Any, make: Callable[[], bytes]) -> bytes:
        asked.append(key)
        if len(asked) == 6:
            all_there.set()
        return await once(maker, key, make)

    def slow(*given: Any) -> bytes:
        made.append(given)
        assert all_there.wait(30)
        return make_thumbnail(*given)

    monkeypatch.setattr(Maker, "once", counted)
    monkeypatch.setattr(thumbnails, "make_thumbnail", slow)
    with own_server.client() as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.get(url), range(6)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert (answers[0].status_code, len(asked), len(made)) == (200, 6, 1)


def test_what_nobody_waits_for_any_more_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    done: list[str] = []
    free = threading.Event()

    async def both() -> None:
        maker = Maker()
        first = asyncio.create_task(maker.once("first", lambda: (free.wait(30), done.append("first"))))
        others = [asyncio.create_task(maker.once("second", lambda: done.append("second"))) for _ in "ab"]
        third = asyncio.create_task(maker.once("third", lambda: done.append("third")))
        await asyncio.sleep(0)
        others[0].cancel()
        third.cancel()
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(first, others[1])
        # The one whose caller left can be asked for again.
        await maker.once("third", lambda: done.append("third again"))

    asyncio.run(both())
    assert done == ["first", "second", "third again"]


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    def fails() -> None:
        raise ValueError("no picture")

    async def twice() -> list[object]:
        maker = Maker()
        found = await asyncio.gather(*(maker.once(1, fails) for _ in "abc"), return_exceptions=True)
        return [*map(str, found), await maker.once(1, lambda: "made")]

    assert asyncio.run(twice()) == ["no picture", "no picture", "no picture", "made"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, threads have no priority of their own")
def test_searches_come_first() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def made() -> int:
        return await Maker().once("one", priority)

    assert asyncio.run(made()) == min(19, priority() + 10)


def test_threads_end_with_their_maker() -> None:
    maker = Maker()
    thread = asyncio.run(maker.once("one", threading.current_thread))
    assert thread.is_alive()
    maker.close()
    until(lambda: not thread.is_alive())
