"""The Python client against a real service, in both kinds, and against answers that no service should give."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from model import BadImage
from service.asgi.keys import make
from service.client import (
    ApiError,
    AsyncClient,
    BadAnswer,
    BadRequest,
    Busy,
    Client,
    ExplanationInfo,
    Gone,
    NotAllowed,
    NotFound,
    SearchResponse,
    ServerFailed,
    Unreachable,
    calls,
)
from tests.kit.pictures import drawing_png
from tests.kit.service.asking import PNG
from tests.kit.service.giving import scripted
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import drawing, picture
from tests.kit.waiting import until

_EXAMPLE = json.dumps(SearchResponse.model_json_schema()["examples"][0])
BUSY = b'{"type":"about:blank","title":"t","status":503,"detail":"too many searches","code":"busy"}'


def test_every_kind_of_picture_finds_the_same(live_server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "fish.png").write_bytes(PNG)
    with Client(live_server.url) as client:
        path = tmp_path / "fish.png"
        kinds = [client.search(sketch=one, k=4) for one in (PNG, path, str(path), drawing("fish"))]
    assert {tuple(one.id for one in found.results) for found in kinds} == {
        tuple(one.id for one in kinds[0].results)
    }
    assert kinds[0].results[0].path.startswith("fish/")
    assert (kinds[0].offset, kinds[0].total_searched, kinds[0].model) == (0, 30, "lite")


def test_both_kinds_explain(live_server: LiveServer) -> None:
    async def asked(url: str, photo_id: str) -> ExplanationInfo:
        async with AsyncClient(url) as service:
            assert (await service.collage(PNG, photo_id)).media_type == "image/png"
            return await service.explain(PNG, photo_id)

    with Client(live_server.url) as client:
        best = client.search(sketch=PNG, k=1).results[0].id
        found = client.explain(drawing("fish"), best)
        assert found.matches[0].contribution > 0
        assert client.collage(PNG, best).media_type == "image/png"
        assert asyncio.run(asked(live_server.url, best)) == found
        with pytest.raises(NotFound):
            client.explain(PNG, "0" * 16)


def test_a_mix_with_all_wishes(live_server: LiveServer) -> None:
    with Client(live_server.url) as client:
        like = client.search(text="a mug", k=1).results[0].id
        found = client.search(
            sketch=PNG, photo=picture("fish", 3), text="a fish", like=like, sketch_weight=0.5,
            like_weight=-0.5, k=3, offset=1, min_score=-1.0, fold_duplicates=True, folder="fish", camera=None,
        )  # fmt: skip
        assert [one.path.split("/")[0] for one in found.results] == ["fish"] * 3
        assert found.offset == 1
        dated = client.search(text="x", after=date(2020, 1, 1), before=datetime(2021, 1, 1, tzinfo=UTC))
        assert dated.results == []


def test_photos_and_what_is_known_of_the_service(live_server: LiveServer) -> None:
    with Client(live_server.url) as client:
        best = client.search(sketch=PNG, k=1).results[0]
        photo = client.photo(best.id)
        assert photo.content == (live_server.photos / best.path).read_bytes()
        assert photo.media_type == "image/jpeg"
        small, large = client.thumbnail(best.id), client.thumbnail(best.id, "large")
        assert calls.thumbnail(best.id, "large").params == {"size": "large"}
        assert {small.media_type, large.media_type} == {"image/webp"}
        assert (client.info().photos, client.ready().ready) == (30, True)


def test_the_asynchronous_one_does_the_same(own_server: LiveServer) -> None:
    async def ask() -> None:
        async with AsyncClient(own_server.url) as client:
            found = await asyncio.gather(*(client.search(sketch=PNG, k=3) for _ in range(4)))
            assert len({one.results[0].id for one in found}) == 1
            best = found[0].results[0].id
            assert (await client.photo(best)).media_type == "image/jpeg"
            assert (await client.thumbnail(best)).media_type == "image/webp"
            assert (await client.info()).generation == (await client.ready()).generation == "000001"
            assert (await client.reload()).swapped is False
            assert (await client.reindex_status()).state == "never"
            assert (await client.reindex()).state == "running"
            with pytest.raises(BadRequest, match="empty"):
                await client.search(sketch=drawing_png(ink="white"))

    asyncio.run(ask())


def test_reindexing(own_server: LiveServer) -> None:
    picture("star", 77).save(own_server.photos / "another.png")
    with Client(own_server.url) as client:
        assert client.reindex().state == "running"
        with pytest.raises(BadRequest) as running:
            client.reindex()
        assert (running.value.status, running.value.code) == (409, "already_running")
        until(lambda: client.reindex_status().state == "done", seconds=90)
        client.reload()
        assert client.info().photos == 31


def test_errors_are_told_apart(own_server: LiveServer, tmp_path: Path) -> None:
    with Client(own_server.url) as client:
        for wrong, code in (
            (lambda: client.search(), "empty_query"),
            (lambda: client.search(text="x", k=0), "invalid_request"),
            (lambda: client.search(sketch=b"no picture"), "bad_image"),
        ):
            with pytest.raises(BadRequest) as refused:
                wrong()
            assert refused.value.code == code
            assert refused.value.request_id
        with pytest.raises(NotFound) as unknown:
            client.photo("../../etc/passwd")
        assert (unknown.value.status, type(unknown.value)) == (404, NotFound)
        with pytest.raises(NotFound):
            client.search(like="0" * 16)
        best = client.search(sketch=PNG, k=1).results[0]
        (own_server.photos / best.path).unlink()
        with pytest.raises(Gone, match=r"410 photo_gone"):
            client.photo(best.id)
        with pytest.raises(BadImage, match=r"none\.png: No such file"):
            client.search(sketch=tmp_path / "none.png")
        with pytest.raises(TypeError, match="sketch: give a path"):
            client.search(sketch=3)  # type: ignore[arg-type]


def test_keys(live_server: LiveServer) -> None:
    reading, admin = make(admin=False), make(admin=True)
    with listening(live_server.gallery, api_keys=f"{reading[1]},{admin[1]}") as url:
        with Client(url) as nobody, pytest.raises(NotAllowed) as refused:
            nobody.search(text="x")
        assert refused.value.status == 401
        with Client(url, key=reading[0]) as reader:
            assert reader.search(text="x", k=1).results
            with pytest.raises(NotAllowed, match="admins_only"):
                reader.reindex()
        with Client(url, key=admin[0]) as boss:
            assert boss.reindex_status().state == "never"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a client would have slept."""
    slept: list[float] = []
    monkeypatch.setattr("service.client.clients.time.sleep", slept.append)
    return slept


READY = b'{"ready": true}'


def test_a_busy_service_is_asked_again_when_it_wishes(waits: list[float]) -> None:
    busy = (503, {"retry-after": "3"}, BUSY)
    found = b'{"results":[],"offset":0,"total_searched":1,"generation":"1","model":"m","took_ms":%s}'
    took = b'{"decode":0,"encode":0,"search":0,"total":0}'
    with scripted(busy, busy, (200, {}, found % took)) as (url, asked), Client(url) as client:
        assert client.search(text="a").total_searched == 1
    assert (waits, len(asked)) == ([3, 3], 3)


def test_an_answer_says_how_likely_photos_are_and_an_older_service_s_does_not() -> None:
    known = json.loads(_EXAMPLE)
    assert (known["results"][0]["relevance"], known["nothing_close"]) == (0.83, False)
    known["nothing_close"] = True
    older = json.loads(_EXAMPLE)
    del older["results"][0]["relevance"], older["nothing_close"]
    answers = [(200, {}, json.dumps(body).encode()) for body in (known, older)]
    with scripted(*answers) as (url, _), Client(url) as client:
        new, old = client.search(text="a"), client.search(text="a")
    assert (new.results[0].relevance, new.nothing_close) == (0.83, True)
    assert (old.results[0].relevance, old.nothing_close) == (None, False)


def test_patience_ends(waits: list[float]) -> None:
    with scripted((503, {"retry-after": "60"}, BUSY)) as (url, asked), Client(url, patience=30) as client:
        with pytest.raises(Busy, match="too many searches"):
            client.info()
        assert (waits, len(asked)) == ([], 1)
    plain = (503, {}, b"too many\nconnections")
    with (
        scripted(plain) as (url, asked),
        Client(url, patience=3.4) as client,
        pytest.raises(Busy, match=r"too many connections \(503\)"),
    ):
        client.info()
    assert waits == [0.5, 1, 2]


def test_dates_as_retry_after() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert calls._retry_after(soon) == pytest.approx(30, abs=2)
    assert calls._retry_after(format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)) == 0
    assert [calls._retry_after(said) for said in ("", "soon", "-1")] == [None] * 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {}, b"<html>a router's login"), BadAnswer),
        ((200, {}, b'{"photos": "many"}'), BadAnswer),
        ((302, {"location": "http://elsewhere.test/"}, b""), BadAnswer),
        ((500, {}, b""), ServerFailed),
        ((502, {}, b"<html>bad gateway"), ServerFailed),
        ((404, {}, b"[1]"), NotFound),
        ((418, {}, b"\xff\xfe"), BadRequest),
    ],
)
def test_answers_of_others(answer: tuple[int, dict[str, str], bytes], kind: type[Exception]) -> None:
    with scripted(answer) as (url, _), Client(url) as client, pytest.raises(kind) as refused:
        client.info()
    assert type(refused.value) is kind
    assert len(str(refused.value)) > 5
    if isinstance(refused.value, ApiError):
        assert (refused.value.code, refused.value.request_id) == ("", "")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Client("localhost:8000"), "give one such as"),
        (lambda: Client("http://\x00"), "contains invalid characters"),
        (lambda: Client("http://localhost", key="schlüssel☃"), "contains invalid characters"),
        (lambda: Client("http://127.0.0.1:1").info(), "is sketchseek serve running there"),
    ],
)
def test_addresses_where_nobody_answers(make: Callable[[], object], says: str) -> None:
    with pytest.raises(Unreachable, match=says):
        make()


def test_who_takes_too_long_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.2) as client, pytest.raises(Unreachable, match="timed out"):
            client.info()


def test_the_client_needs_neither_server_nor_engine() -> None:
    script = (
        "import sys; import service.client;"
        "print([name for name in ('fastapi', 'uvicorn', 'faiss', 'openvino', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_browsing_marking_and_downloading(own_server: LiveServer) -> None:
    async def asked() -> list[object]:
        async with AsyncClient(own_server.url) as client:
            return [
                await client.timeline(folder="fish"),
                await client.photos(folder="fish", offset=1, k=2),
                await client.facets(),
                await client.details(one),
                await client.group(one),
                await client.favourite(one),
                await client.hide(one),
                await client.photos(hidden=True),
                await client.hide(one, False),
                await client.favourite(one, False),
            ]

    with Client(own_server.url) as client:
        page = client.photos(folder="fish", k=3)
        one = page.photos[0].id
        assert [(page.total, len(page.photos)), client.timeline(folder="fish").total] == [(6, 3), 6]
        there = asyncio.run(asked())
        here = [
            client.timeline(folder="fish"),
            client.photos(folder="fish", offset=1, k=2),
            client.facets(),
            client.details(one),
            client.group(one),
            client.favourite(one),
            client.hide(one),
            client.photos(hidden=True),
            client.hide(one, False),
            client.favourite(one, False),
        ]
        assert here == there
        assert [photo.id for photo in here[7].photos] == [one]  # type: ignore[attr-defined]
        archive = client.download([photo.id for photo in page.photos])
        assert (archive.media_type, archive.content[:2]) == ("application/zip", b"PK")
        with pytest.raises(NotFound):
            client.download(["0" * 16])
