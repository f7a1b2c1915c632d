"""The index job as the service starts it: progress, report, failure, its end with the service, odd output."""

import asyncio
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.kit.service.asking import problem, wait_for
from tests.kit.service.scripted import Scripted, scripted
from tests.kit.service.servers import LiveServer
from tests.kit.shapes import picture
from tests.kit.waiting import until


def test_reindexing_is_a_process_of_its_own_and_one_at_a_time(own_server: LiveServer) -> None:
    picture("star", 77).save(own_server.photos / "new.png")
    (own_server.photos / "bad.png").write_text("no picture")
    with own_server.client() as client:
        assert client.get("/admin/reindex").json()["state"] == "never"
        begun = client.post("/admin/reindex")
        assert (begun.status_code, begun.json()["state"]) == (202, "running")
        problem(client.post("/admin/reindex"), 409, "already_running")
        until(lambda: client.get("/admin/reindex").json()["finished"] is not None, 60)
        told = client.get("/admin/reindex")
        state = told.json()
        assert (state["state"], state["exit_status"]) == ("done", 0), state
        assert (state["report"]["added"], state["report"]["photos"], state["report"]["skipped"]) == (1, 31, 1)
        assert str(own_server.photos.parent) not in told.text
        wait_for(client, lambda ready: ready["photos"] == 31)


def test_a_job_that_fails_says_why(own_server: LiveServer) -> None:
    shutil.rmtree(own_server.photos)
    (own_server.index / "LOCK").unlink()
    with own_server.client() as client:
        client.post("/admin/reindex")
        until(lambda: client.get("/admin/reindex").json()["finished"] is not None, 60)
        told = client.get("/admin/reindex")
        assert told.json()["state"] == "failed"
        assert told.json()["report"] or told.json()["tail"]
        assert str(own_server.photos.parent) not in told.text


def test_whatever_a_job_prints_is_borne() -> None:
    said = [
        "[1, 2]",
        '{"no": "event"}',
        "null",
        '{"event": ["odd"]}',
        "/home/me/x.jpg: bad",
        '{"event": "start"}',
    ]
    lines = [*said, json.dumps({"event": "progress", "done": 3, "photos": 9})]
    job = scripted("printf '%s\\n' " + " ".join(f"'{line}'" for line in lines) + "; exit 3")

    async def go() -> None:
        await job.start()
        while job.running:
            await asyncio.sleep(0.02)

    asyncio.run(go())
    state = job.state
    assert (state.state, state.exit_status, state.progress) == ("failed", 3, {"done": 3, "photos": 9})
    assert "x.jpg: bad" in state.tail


def test_building_a_large_index_is_progress_too() -> None:
    job = scripted("""echo '{"event": "step", "what": "indexing", "done": 3, "of": 9}'; exit 0""")

    async def go() -> None:
        await job.start()
        while job.running:
            await asyncio.sleep(0.02)

    asyncio.run(go())
    assert job.state.progress == {"what": "indexing", "done": 3, "photos": 9}


def test_a_job_ends_with_the_service(tmp_path: Path) -> None:
    obeys, ignores = "exec sleep 600", "trap '' TERM; while true; do sleep 0.1; done"
    for script, end in ((obeys, signal.SIGTERM), (ignores, signal.SIGKILL)):
        job = scripted(f"touch {tmp_path}/began; {script}")

        async def go(job: Scripted = job, end: signal.Signals = end) -> int:
            await job.start()
            while not (tmp_path / "began").exists():
                await asyncio.sleep(0.02)
            (tmp_path / "began").unlink()
            await asyncio.wait_for(job.stop(patience=0.5), 60)
            process = job._process
            assert process is not None
            assert process.returncode == -end
            return process.pid

        with pytest.raises(ProcessLookupError):
            os.kill(asyncio.run(go()), 0)
        assert not job.running
