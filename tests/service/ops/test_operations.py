"""What operators rely on: probes, figures, logs, request ids, reloading, reindexing, and an orderly end."""

import asyncio
import contextlib
import gc
import json
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer import Published, Silent, run
from indexer.generations.generation import rollback
from model import Encoder
from tests.kit import TOP
from tests.kit.service.asking import PNG, figure, problem, wait_for
from tests.kit.service.commands import Serving, sketchseek
from tests.kit.service.servers import LiveServer, listening, moody
from tests.kit.shapes import picture
from tests.kit.waiting import until


def test_info_and_metrics_tell_what_runs(live_server: LiveServer) -> None:
    url = live_server.url
    assert httpx.post(f"{url}/search", content=PNG).status_code == 200
    assert httpx.get(f"{url}/no/such/route").status_code == 404
    info = httpx.get(f"{url}/info").json()
    assert (info["model"], info["engine"], info["photos"], info["keys"]) == ("lite", "openvino", 30, False)
    assert (info["generation"], info["index_type"], info["problem"]) == ("000001", "flat-fp16", None)
    assert info["fingerprint"] == live_server.gallery.encoder.fingerprint
    assert {"python", "sketchseek", "fastapi"} <= set(info["versions"])
    for stage in ("decode", "queue", "encode", "search"):
        assert figure(url, f'sketchseek_stage_seconds_count{{stage="{stage}"}}') >= 1
    assert figure(url, "sketchseek_photos") == 30
    assert figure(url, "sketchseek_generation") == figure(url, "sketchseek_ready") == 1
    assert figure(url, "sketchseek_generation_refused") == figure(url, "sketchseek_queue_length") == 0
    assert figure(url, 'sketchseek_requests_total{method="POST",route="/search",status="200"}') >= 1
    assert figure(url, 'sketchseek_requests_total{method="other",route="other",status="404"}') >= 1
    assert figure(url, "process_open_fds") > 3


def test_request_ids_are_kept_if_sane(live_server: LiveServer) -> None:
    for given in ("abc-123", "A.b_9"):
        assert (
            httpx.get(f"{live_server.url}/livez", headers={"x-request-id": given}).headers["x-request-id"]
            == given
        )
    for given in ("", "two words", "x" * 65, "a/b", "<b>"):
        made = httpx.get(f"{live_server.url}/nothing", headers={"x-request-id": given}).headers[
            "x-request-id"
        ]
        assert re.fullmatch("[0-9a-f]{32}", made)


def test_a_model_that_hangs_is_told_by_readyz_until_it_comes_back(live_server: LiveServer) -> None:
    gallery, encoder = moody(live_server)
    limits = {"stall_seconds": 0.3, "search_seconds": 1.0, "max_searches": 2}
    with listening(gallery, **limits) as url, ThreadPoolExecutor(2) as pool:
        encoder.free.clear()
        asked = [pool.submit(httpx.post, f"{url}/search", content=PNG) for _ in range(2)]
        until(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        assert "does not respond" in httpx.get(f"{url}/readyz").json()["reasons"][0]
        assert httpx.get(f"{url}/livez").status_code == 200
        refusal = httpx.post(f"{url}/search", content=PNG)
        problem(refusal, 503, "busy")
        assert refusal.headers["retry-after"] == "1"
        for answer in asked:
            problem(answer.result(), 504, "deadline")
        encoder.free.set()
        until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200


def test_a_model_that_fails_says_nothing_of_its_reasons(
    live_server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    gallery, encoder = moody(live_server)
    with listening(gallery) as url:
        encoder.fails = RuntimeError("/home/somebody/model.bin")
        assert "home" not in problem(httpx.post(f"{url}/search", content=PNG), 500, "encoding_failed")
        encoder.fails = None
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200
        assert figure(url, 'sketchseek_failed_total{reason="engine"}') == 1


def test_who_hangs_up_frees_their_place(live_server: LiveServer) -> None:
    gallery, encoder = moody(live_server)
    with listening(gallery, max_searches=1) as url:
        encoder.free.clear()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/search", content=PNG, timeout=httpx.Timeout(5, read=0.5))
        assert encoder.began.is_set()
        gone = 'sketchseek_requests_total{method="POST",route="/search",status="499"}'
        until(lambda: gone in httpx.get(f"{url}/metrics").text)
        encoder.free.set()
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200


def test_swaps_leave_no_files_and_no_memory_behind(own_server: LiveServer) -> None:
    """Between two generations, to and fro, while searches run."""
    picture("star", 77).save(own_server.photos / "new.png")
    run(own_server.index, [own_server.photos], own_server.gallery.encoder, Silent())
    stop = threading.Event()

    def search() -> set[int]:
        codes = set()
        with own_server.client() as client:
            while not stop.is_set():
                codes.add(client.post("/search?k=1", content=PNG).status_code)
        return codes

    def swap(times: int) -> None:
        for number in range(times):
            (own_server.index / "CURRENT").write_text(f"{number % 2 + 1:06d}\n")
            own_server.gallery.refresh()

    with ThreadPoolExecutor(2) as pool:
        searching = [pool.submit(search) for _ in range(2)]
        swap(10)
        before, swaps = _open_databases(), own_server.gallery.swaps
        swap(60)
        stop.set()
        assert {code for codes in searching for code in codes.result()} == {200}
    gc.collect()
    assert own_server.gallery.swaps >= swaps + 50
    assert _open_databases() <= max(before, 2)


def _open_databases() -> int:
    """Photo lists that this process has open."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found += link.readlink().name.startswith("photos.sqlite")
    return found


def test_an_index_that_is_removed_serves_on(own_server: LiveServer) -> None:
    shutil.rmtree(own_server.index)
    with own_server.client() as client:
        ready = wait_for(client, lambda ready: "no such folder" in "".join(ready["reasons"]))
        assert ready["ready"]
        assert str(own_server.index.parent) not in json.dumps(ready)
        assert len(client.post("/search?k=5", content=PNG).json()["results"]) == 5
        assert client.get("/info").json()["problem"] == ready["reasons"][0]
    assert figure(own_server.url, "sketchseek_generation_refused") == 1


def test_reload_takes_up_what_is_there(own_server: LiveServer) -> None:
    gallery = own_server.gallery
    with listening(gallery, refresh_seconds=3600) as url:
        time.sleep(0.3)
        picture("star", 77).save(own_server.photos / "new.png")
        run(own_server.index, [own_server.photos], gallery.encoder, Silent())
        reloaded = httpx.post(f"{url}/admin/reload").json()
        # The fixture's own server may have been quicker: both share the gallery.
        assert (reloaded["generation"], reloaded["photos"]) == ("000002", 31)
        rollback(own_server.index)
        until(lambda: httpx.post(f"{url}/admin/reload").json()["photos"] == 30)


def test_a_process_reloads_on_sighup_logs_json_and_ends_in_order(index: Path, library: Path) -> None:
    options = {"LOG_FORMAT": "json", "ACCESS_LOG": "true", "REFRESH_SECONDS": "3600"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in options.items():
            patch.setenv(f"SKETCHSEEK_{name}", value)
        server = Serving("--index", index)
    until(lambda: _answers(server.url))
    picture("star", 77).save(library / "new.png")
    assert sketchseek("index", "--index", index).returncode == 0
    server.process.send_signal(signal.SIGHUP)
    until(lambda: httpx.get(f"{server.url}readyz").json()["photos"] == 16)
    begun = httpx.post(f"{server.url}admin/reindex")
    assert begun.status_code == 202
    bodies = [PNG] * 12
    with ThreadPoolExecutor(12) as pool:
        ids = {"x-request-id": "mine"}
        asked = [pool.submit(httpx.post, f"{server.url}search", content=b, headers=ids) for b in bodies]
        until(lambda: any(answer.done() for answer in asked))
        _, errors = server.stop(signal.SIGTERM)
        codes = [answer.result().status_code for answer in asked if answer.exception() is None]
    # Those that had not connected yet find nobody; all others get their answer.
    assert set(codes) == {200}
    assert {type(answer.exception()) for answer in asked} <= {type(None), httpx.ConnectError, httpx.ReadError}
    lines = [json.loads(line) for line in errors.splitlines()]
    found = [line for line in lines if line.get("path") == "/search"]
    assert len(found) == len(codes)
    assert {(line["status"], line["request_id"], line["level"]) for line in found} == {(200, "mine", "INFO")}
    assert str(index.parent) not in errors


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}livez").status_code == 200
    except httpx.TransportError:
        return False


LONG = ((Encoder, "prepare_sketch"), (Encoder, "encode"), (Published, "nearest"))


def test_nothing_holds_up_the_event_loop(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is done in other threads; how late the loop is, `python -m bench service` says."""
    loops: set[int] = set()
    threads: dict[str, set[int]] = {}
    plain = asyncio.events.Handle._run

    def noted(self: asyncio.Handle) -> None:
        loops.add(threading.get_ident())
        plain(self)

    def watch(owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def watched(*given: Any, **options: Any) -> Any:
            threads.setdefault(name, set()).add(threading.get_ident())
            return work(*given, **options)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in LONG:
        watch(owner, name)
    monkeypatch.setattr(asyncio.events.Handle, "_run", noted)
    form = {"sketch": ("s.png", PNG + bytes(10 * 2**20), "image/png")}
    with live_server.client() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/search?k=200", content=PNG), range(60)))
        assert {answer.status_code for answer in answers} == {200}
        client.post("/search", files=form)
        client.post("/search", content=PNG + bytes(19 * 2**20))
        assert client.get("/metrics").status_code == 200
    assert threads.keys() == {name for _, name in LONG}
    assert loops
    assert not [name for name, used in threads.items() if used & loops]


def test_the_operations_guide_names_every_metric(live_server: LiveServer) -> None:
    guide = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    httpx.post(f"{live_server.url}/search", content=PNG)
    offered = re.findall(
        r"^# TYPE (sketchseek_\w+) (\w+)$", httpx.get(f"{live_server.url}/metrics").text, re.M
    )
    names = [name for name, _ in offered if not name.endswith("_created")]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in guide and f"`{name}{{" not in guide] == []
