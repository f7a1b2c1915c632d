"""Runs that skipped tens of thousands of files: their reports stay small, and reading one takes no memory for each."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.folders.scan import Skipped
from indexer.reports import report
from indexer.reports.report import (
    FOLDER,
    LAST,
    last_report,
    reporting,
    skipped_files,
    skipped_total,
)
from tests.kit.service.scripted import scripted
from tests.kit.service.servers import LiveServer

MANY = 62_000
REASON = "not a picture: " + "x" * 200


def skipped(photos: Path) -> list[Skipped]:
    return [Skipped(photos / f"star/{number:06d}.jpg", REASON) for number in range(MANY)]


def pages(server: LiveServer, *offsets: int) -> list[dict[str, Any]]:
    with server.client() as client:
        return [client.get(f"/index?k=3&offset={offset}").json() for offset in offsets]


def expect_all_pages(server: LiveServer) -> None:
    for offset, told in zip((0, 999, 31_000, MANY - 2), pages(server, 0, 999, 31_000, MANY - 2), strict=True):
        names = [f"star/{number:06d}.jpg" for number in range(offset, min(offset + 3, MANY))]
        assert [found["path"] for found in told["skipped"]] == names
        assert told["skipped_total"] == MANY


def test_a_run_says_the_first_and_how_many_and_all_can_be_had_in_pages(own_server: LiveServer) -> None:
    with reporting(own_server.index) as told:
        told.skipped = skipped(own_server.photos)
    assert (own_server.index / FOLDER / f"{LAST}.json").stat().st_size < 2**20
    assert len(json.dumps(told.plain())) < 2**20
    expect_all_pages(own_server)
    # The next run has nothing to tell, and nothing of this one is left.
    with reporting(own_server.index):
        pass
    (told_now,) = pages(own_server, 0)
    assert (told_now["skipped"], told_now["skipped_total"]) == ([], 0)
    assert {path.name for path in (own_server.index / FOLDER).glob("last*")} == {"last.json", "last.txt"}


def test_many_at_once_ask_for_the_report_of_an_earlier_version(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """18 MB, which are read once for all of them."""
    listed = [{"path": str(bad.path), "reason": bad.reason} for bad in skipped(own_server.photos)]
    path = own_server.index / FOLDER / f"{LAST}.json"
    path.write_text(json.dumps({"state": "done", "skipped": listed}))
    assert path.stat().st_size > 15 * 2**20
    read, plain = [], report.last_report
    monkeypatch.setattr("service.ops.reports.last_report", lambda index: read.append(1) or plain(index))
    together = threading.Barrier(12)

    def ask(offset: int) -> int:
        together.wait()
        return len(httpx.get(f"{own_server.url}/index?k=1&offset={offset}", timeout=60).json()["skipped"])

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(ask, range(12))) == {1}
    assert len(read) == 1
    expect_all_pages(own_server)


def test_the_list_of_another_run_is_not_mixed_up_with_this_one(tmp_path: Path) -> None:
    with reporting(tmp_path) as told:
        told.skipped = skipped(tmp_path)
    found = last_report(tmp_path)
    assert found is not None
    assert len(skipped_files(tmp_path, found, 5000, 10)) == 10
    of_another = {**found, "started": "2001-01-01T00:00:00+00:00"}
    assert skipped_files(tmp_path, of_another, 5000, 10) == []
    assert len(skipped_files(tmp_path, of_another, 0, 10)) == 10
    assert skipped_total(of_another) == MANY


def test_names_without_measure_make_no_line_without_measure(tmp_path: Path) -> None:
    with reporting(tmp_path) as told:
        told.skipped = [Skipped(tmp_path / ("\udcff" * 4000), REASON) for _ in range(2000)]
        told.problems = ["no such folder: " + "y" * 4000] * 2000
    assert len(json.dumps(told.plain())) < 2**20
    assert told.plain()["problems"][-1].startswith("and ")


def test_a_line_of_18_megabytes_ends_no_job() -> None:
    script = """head -c 18000000 /dev/zero | tr '\\0' x; echo; echo '{"event": "done", "added": 3, "skipped": []}'"""
    job = scripted(script)

    async def go() -> None:
        await job.start()
        while job.running:
            await asyncio.sleep(0.02)

    asyncio.run(go())
    assert (job.state.state, job.state.exit_status, job.state.report) == (
        "done",
        0,
        {"added": 3, "skipped": 0},
    )
