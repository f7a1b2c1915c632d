"""GET /index: what is searched, what the last run did, which files were skipped; and nobody's folders."""

import json

import httpx
import pytest

from indexer.locking.lock import writing
from service.asgi import keys
from tests.kit.jobs import index_quickly
from tests.kit.service.asking import problem
from tests.kit.service.servers import LiveServer, listening


def state(server: LiveServer, **params: int) -> dict:
    with server.client() as client:
        answer = client.get("/index", params=params)
    assert answer.status_code == 200, answer.text
    assert str(server.photos.parent) not in answer.text
    return answer.json()


def test_it_tells_of_photos_last_run_and_skipped_files(own_server: LiveServer) -> None:
    (own_server.photos / "star" / "bad.png").write_text("no picture")
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    told = state(own_server)
    assert (told["photos"], told["running"], told["problem"]) == (30, False, None)
    assert told["generation"] == own_server.gallery.published.manifest.generation
    assert (told["last_run"]["state"], told["last_run"]["unchanged"]) == ("done", 30)
    assert [skipped["path"] for skipped in told["skipped"]] == ["star/bad.png"]
    assert "not a picture" in told["skipped"][0]["reason"]
    assert told["skipped_total"] == 1


def test_skipped_files_come_in_pages(own_server: LiveServer) -> None:
    report = own_server.index / "reports" / "last.json"
    skipped = [{"path": str(own_server.photos / f"{n}.jpg"), "reason": "broken"} for n in range(5)]
    report.write_text(json.dumps({"state": "done", "skipped": skipped}))
    told = state(own_server, k=2, offset=3)
    assert [found["path"] for found in told["skipped"]] == ["3.jpg", "4.jpg"]
    assert told["skipped_total"] == 5


@pytest.mark.parametrize(
    "report",
    [
        "",
        "[]",
        '{"skipped": 3, "problems": null, "added": "many"}',
        '{"skipped": [null, 1, {}], "seconds": "long"}',
        r'{"skipped": [{"path": "/elsewhere/\udcff.jpg", "reason": "in /elsewhere/deep"}]}',
    ],
)
def test_a_report_that_makes_no_sense_does_no_harm(own_server: LiveServer, report: str) -> None:
    (own_server.index / "reports" / "last.json").write_text(report)
    told = state(own_server)
    assert told["photos"] == 30
    assert "elsewhere" not in json.dumps(told)


def test_it_tells_that_a_run_is_going_on(own_server: LiveServer) -> None:
    with writing(own_server.index):
        assert state(own_server)["running"] is True
    assert state(own_server)["running"] is False


def test_it_needs_a_key_where_there_are_keys(live_server: LiveServer) -> None:
    key, entry = keys.make(admin=False)
    with listening(live_server.gallery, api_keys=entry) as url:
        problem(httpx.get(f"{url}/index"), 401, "no_key")
        assert httpx.get(f"{url}/index", headers={"X-API-Key": key}).json()["photos"] == 30
