"""What /readyz, GET /index, `status`, and `doctor` say when something around the index is wrong."""

import json
import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

from indexer import PhotosMissing, Silent, run
from indexer.folders import reach
from indexer.locking.lock import writing
from service import health
from tests.kit.jobs import quickly
from tests.kit.pictures import drawing_png
from tests.kit.service.commands import doctor, sketchseek
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture
from tests.kit.waiting import until


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.HealthWatch.__init__, "__defaults__", (0.0,))


def ready(url: str) -> tuple[bool, list[str]]:
    """What strangers may know; it says no more than kinds."""
    answer = httpx.get(f"{url}/readyz")
    assert answer.status_code == 200
    return answer.json()["ready"], answer.json()["reasons"]


def state(url: str) -> tuple[str, list[str]]:
    told = httpx.get(f"{url}/index").json()
    return told["health"], told["problems"]


def failed_run(server: LiveServer) -> None:
    with pytest.raises(PhotosMissing):
        run(server.index, [], server.gallery.encoder, Silent())


def exit_statuses(index: Path) -> tuple[int, int]:
    return sketchseek("status", "--index", index).returncode, doctor("--index", str(index)).exit_code


def test_a_missing_folder_and_a_failed_run(own_server: LiveServer) -> None:
    url = own_server.url
    assert (ready(url), state(url), exit_statuses(own_server.index)) == ((True, []), ("ok", []), (0, 0))
    own_server.photos.rename(own_server.photos.with_name("elsewhere"))
    assert ready(url) == (True, ["a photo folder is missing"])
    how, lines = state(url)
    assert (how, len(lines)) == ("warning", 1)
    assert lines[0].startswith("photos: the photo folder is missing; connect its drive")
    assert exit_statuses(own_server.index) == (1, 1)
    failed_run(own_server)
    assert ready(url) == (True, ["a photo folder is missing", "the last run failed"])
    how, lines = state(url)
    assert (how, len(lines)) == ("failed", 2)
    assert str(own_server.photos.parent) not in json.dumps(lines)
    assert httpx.post(f"{url}/search", content=drawing_png()).json()["results"]
    own_server.photos.with_name("elsewhere").rename(own_server.photos)
    run(own_server.index, [], own_server.gallery.encoder, Silent())
    assert (ready(url), state(url), exit_statuses(own_server.index)) == ((True, []), ("ok", []), (0, 0))


def test_a_killed_run(own_server: LiveServer) -> None:
    process = os.fork()
    if not process:
        with writing(own_server.index):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    how, lines = state(own_server.url)
    assert (how, len(lines)) == ("failed", 1)
    assert "was killed" in lines[0]
    assert "was killed" in ready(own_server.url)[1][0]
    assert exit_statuses(own_server.index) == (1, 1)
    assert "run sketchseek index again" in doctor("--index", str(own_server.index)).stdout


def test_a_drive_that_hangs_holds_up_no_answer(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, looks = threading.Event(), []

    def look(folder: Path) -> None:
        looks.append(folder)
        assert back.wait(60)

    monkeypatch.setattr(reach, "problem_of", look)
    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    with listening(live_server.gallery) as url:
        try:
            # The first answer may come before the look was given up.
            until(lambda: ready(url)[1] != [])
            for _ in range(3):
                assert ready(url) == (True, ["a photo folder does not respond"])
            assert looks == [live_server.photos]
        finally:
            back.set()


def test_an_index_whose_disk_hangs_holds_up_no_answer(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = threading.Event()
    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    with listening(live_server.gallery) as url:
        assert ready(url) == (True, [])
        monkeypatch.setattr(health, "is_running", lambda _: back.wait(60) and False)
        assert ready(url) == (True, [])
        assert ready(url) == (True, [])
        back.set()


def test_what_was_seen_is_good_for_a_while(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []
    monkeypatch.setattr(reach, "problem_of", looks.append)
    monkeypatch.setattr(health.HealthWatch.__init__, "__defaults__", (3600.0,))
    with listening(live_server.gallery) as url:
        assert [ready(url) for _ in range(5)] == [(True, [])] * 5
        assert state(url) == ("ok", [])
    assert looks == [live_server.photos]


def test_a_new_report_is_seen_at_once(own_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.HealthWatch.__init__, "__defaults__", (3600.0,))
    with listening(own_server.gallery) as url:
        assert state(url) == ("ok", [])
        (own_server.index / "reports" / "last.json").write_text(
            '{"state": "failed", "problems": ["disk full"]}'
        )
        assert state(url) == (
            "failed",
            ["the last run failed: disk full; fix this and run sketchseek index again"],
        )


def test_status_lists_its_problems_as_json(own_server: LiveServer) -> None:
    own_server.photos.rename(own_server.photos.with_name("elsewhere"))
    told = json.loads(sketchseek("status", "--json", "--index", own_server.index).stdout)
    assert (told["health"], len(told["problems"])) == ("warning", 1)
    assert told["problems"][0].startswith(f"{own_server.photos}: the photo folder is missing")


def test_a_generation_that_was_just_taken_up_is_not_blamed_for_what_was_refused(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged one was refused; it is mended and taken up."""
    gallery = own_server.gallery
    picture("star", 77).save(own_server.photos / "new.png")
    manifest = own_server.index / "generations" / "000002" / "manifest.json"
    with monkeypatch.context() as patch:
        # The service itself would take it up before it is damaged.
        patch.setattr(gallery, "refresh", lambda **_: False)
        with quickly():
            run(own_server.index, [], gallery.encoder, Silent())
        whole = manifest.read_bytes()
        manifest.write_bytes(b"{}")
    until(lambda: not gallery.refresh(now=True) and gallery.problem is not None)
    manifest.write_bytes(whole)
    told: list[dict[str, object]] = []
    # In the middle of the swap.
    monkeypatch.setattr(
        gallery.published, "release", lambda: told.append(httpx.get(f"{own_server.url}/readyz").json())
    )
    assert gallery.refresh(now=True)
    assert [(one["generation"], one["reasons"]) for one in told] == [("000002", [])]
