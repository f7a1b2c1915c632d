"""Photos whose files say times that HTTP cannot: before its first year, after its last, beyond all numbers."""

import os
from pathlib import Path

import httpx
import pytest

from tests.kit.service.asking import PNG
from tests.kit.service.servers import LiveServer

YEAR_10209 = 260_000_000_000


@pytest.mark.parametrize("seconds", [YEAR_10209, -YEAR_10209, 2**62, -(2**62), -5, 0, 4_000_000_000])
def test_a_photo_of_any_time_is_sent(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """As the file system tells it; few can store all of these, so it is made to say so."""
    plain = os.fstat

    def odd(file: int) -> os.stat_result:
        found = plain(file)
        if not Path(f"/proc/self/fd/{file}").readlink().is_relative_to(live_server.photos):
            return found
        times = {"st_mtime": float(seconds), "st_mtime_ns": seconds * 10**9}
        return os.stat_result((*found[:8], seconds, found[9]), times)

    with live_server.client() as client:
        found = client.post("/search?k=1", content=PNG).json()["results"][0]
        whole = (live_server.photos / found["path"]).read_bytes()
        monkeypatch.setattr("service.photos.files.os.fstat", odd)
        answer = client.get(found["url"])
        assert (answer.status_code, answer.content) == (200, whole)
        assert ("last-modified" in answer.headers) == (abs(seconds) < 10**11)
        tag = {"if-none-match": answer.headers["etag"]}
        assert client.get(found["url"], headers=tag).status_code == 304
        part = {"range": "bytes=0-4", "if-range": answer.headers["etag"]}
        assert client.get(found["url"], headers=part).content == whole[:5]
        _asks_by_time(client, found["url"], answer)


def _asks_by_time(client: httpx.Client, url: str, answer: httpx.Response) -> None:
    for since in (
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Mon, 1 Jan 99999 0:0 GMT",
    ):
        assert client.get(url, headers={"if-modified-since": since}).status_code in (200, 304)
    if said := answer.headers.get("last-modified"):
        assert client.get(url, headers={"if-modified-since": said}).status_code == 304
