"""Choosing photo folders: one that cannot be chosen says why, in words, and nothing leads out of the places."""

import errno
import os
import shutil
from pathlib import Path

import httpx
import pytest

from indexer.folders.tally import tally
from model import Encoder
from service.library.keeper import why
from service.library.places import Places
from tests.kit.privileges import unprivileged
from tests.kit.service.asking import problem
from tests.kit.service.setting_up import settled, started, state
from tests.kit.shapes import write_library

ODD = ['it\'s "quoted"', "<b>bold<b> & more", "two\nlines", "שלום\u202e\u2067 abc", "--forget", "ü" * 60]


def _names(client: httpx.Client, path: Path) -> dict[str, bool]:
    found = client.get("/admin/folders", params={"path": str(path)}).json()
    assert found["problem"] is None, found
    return {folder["name"]: folder["hidden"] for folder in found["folders"]}


def _problem(client: httpx.Client, path: Path | str) -> str:
    """Why a folder cannot be added; counting it and adding it agree."""
    counted = client.get("/admin/folders/count", params={"path": str(path)})
    told: str = (
        counted.json()["problem"] if counted.status_code == 200 else problem(counted, 422, "folder_refused")
    )
    added = client.post("/admin/library/folders", json={"path": str(path)})
    assert problem(added, 422, "folder_refused") == told
    return told


def test_it_begins_at_home_and_lists_what_is_below(client: httpx.Client, home: Path) -> None:
    write_library(home / "Pictures" / "2024", each=1)
    (home / ".cache").mkdir()
    (home / "note.txt").touch()
    (home / os.fsdecode(b"caf\xe9")).mkdir()
    begun = client.get("/admin/folders").json()
    assert begun["folders"] == []
    assert begun["places"][:2] == [
        {"name": "Home", "path": str(home)},
        {"name": "Pictures", "path": str(home / "Pictures")},
    ]
    assert _names(client, home) == {".cache": True, "Pictures": False}
    below = client.get("/admin/folders", params={"path": str(home / "Pictures")}).json()
    assert (below["path"], below["parent"]) == (str(home / "Pictures"), str(home))
    assert client.get("/admin/folders", params={"path": str(home)}).json()["parent"] is None


def test_nothing_leads_out_of_the_places(client: httpx.Client, home: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "outside" / "deep", each=1)
    (home / "out").symlink_to(tmp_path / "outside")
    (home / "loop").symlink_to(home / "loop")
    (home / "in").mkdir()
    (home / "link").symlink_to(home / "in")
    assert _names(client, home) == {"in": False, "link": False}
    for path in (
        tmp_path / "outside",
        home / "out",
        home / "out" / "deep",
        home / "in" / ".." / ".." / "outside",
        "/",
        "/etc",
        "Pictures",
        "",
        "/\0",
        "~nobody-of-this-name/x",
    ):
        for address in ("/admin/folders", "/admin/folders/count"):
            if path or address.endswith("count"):
                problem(client.get(address, params={"path": str(path)}), 422, "folder_refused")
        answer = client.post("/admin/library/folders", json={"path": str(path)})
        problem(answer, 422, "folder_refused")
    assert state(client)["state"] == "empty"


def test_a_setting_adds_places(home: Path, tmp_path: Path, encoder: Encoder) -> None:
    write_library(tmp_path / "outside", each=1)
    with started(home / "index", encoder, places=f"{tmp_path / 'outside'}") as client:
        assert str(tmp_path / "outside") in [
            place["path"] for place in client.get("/admin/folders").json()["places"]
        ]
        counted = client.get("/admin/folders/count", params={"path": str(tmp_path / "outside")}).json()
        assert (counted["photos"], counted["problem"]) == (5, None)


def test_every_folder_that_cannot_be_added_says_why(home: Path, encoder: Encoder) -> None:
    photos, index = write_library(home / "all" / "photos"), home / "visible" / "index"
    (home / "empty").mkdir()
    (home / "texts").mkdir()
    (home / "texts" / "a.txt").touch()
    (home / "file.jpg").touch()
    (home / "secret").mkdir(mode=0)
    index.mkdir(parents=True)
    with unprivileged(), started(index, encoder) as client:
        assert "no such folder" in _problem(client, home / "none")
        assert "this is a file" in _problem(client, home / "file.jpg")
        assert "may not read" in _problem(client, home / "secret")
        assert (
            "may not read"
            in client.get("/admin/folders", params={"path": str(home / "secret")}).json()["problem"]
        )
        assert "is empty" in _problem(client, home / "empty")
        assert "no photos" in _problem(client, home / "texts")
        assert "belongs to the index" in _problem(client, index)
        assert "contains the index" in _problem(client, home / "visible")
        assert client.post("/admin/library/folders", json={"path": str(photos)}).status_code == 200
        settled(client)
        assert "already" in _problem(client, photos)
        inside = min(path for path in photos.rglob("*")).parent / "new"
        inside.mkdir()
        assert "as part of" in _problem(client, inside)
        assert "contains" in _problem(client, photos.parent)
        shutil.move(photos, home / "unplugged")
        assert "is its drive mounted" in _problem(client, photos)
        missing = state(client)["folders"]
        assert missing == [{"path": str(photos), "photos": 15, "missing": True}]
        client.post("/admin/reindex")
        failed = settled(client)
        assert "no such folder" in failed["problem"]
        assert failed["published"] == 15
    (home / "secret").chmod(0o700)


def test_odd_names_are_names(client: httpx.Client, home: Path) -> None:
    photos = [str(write_library(home / name, each=1)) for name in ODD]
    assert _names(client, home) == dict.fromkeys(ODD, False)
    for number, path in enumerate(photos):
        counted = client.get("/admin/folders/count", params={"path": path}).json()
        assert (counted["photos"], counted["complete"], counted["problem"]) == (5, True, None)
        added = client.post("/admin/library/folders", json={"path": path})
        assert {folder["path"] for folder in added.json()["folders"]} == {*photos[: number + 1]}
    found = sorted(settled(client)["folders"], key=lambda folder: photos.index(folder["path"]))
    assert found == [{"path": path, "photos": 5, "missing": False} for path in photos]


def test_bodies_that_are_none_are_refused(client: httpx.Client) -> None:
    for body in ({}, {"path": 3}, {"path": "/x", "more": 1}, {"path": "x" * 5000}, []):
        problem(client.post("/admin/library/folders", json=body), 422, "invalid_request")


@pytest.mark.slow
def test_a_hundred_thousand_files_are_counted(client: httpx.Client, home: Path) -> None:
    (home / "many").mkdir()
    for number in range(100_000):
        os.close(os.open(home / "many" / f"{number}.jpg", os.O_CREAT | os.O_WRONLY))
    counted = client.get("/admin/folders/count", params={"path": str(home / "many")}).json()
    assert counted["problem"] is None
    assert counted["photos"] == 100_000 or not counted["complete"]


def test_counting_stops_when_time_is_up(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"{number}.jpg").touch()
    assert tally(tmp_path, lambda: False).photos == 600
    cut = tally(tmp_path, lambda: True)
    assert (cut.complete, 0 < cut.photos < 600) == (False, True)


def test_mounted_drives_are_places_and_the_system_is_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "drive").mkdir(parents=True)
    home.mkdir()
    lines = [
        f"1 0 8:1 / {point} rw - {kind} /dev/x rw"
        for point, kind in (
            ("/", "ext4"),
            ("/boot", "ext4"),
            ("/proc", "proc"),
            (tmp_path, "ext4"),
            (tmp_path / "drive", "ext4"),
            (tmp_path / "shm", "tmpfs"),
        )
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines))
    places = Places(home=home, table=tmp_path / "mountinfo")
    if not str(tmp_path).startswith(("/dev", "/tmp")):
        assert places.holds(tmp_path / "drive" / "x")
    assert places.holds(home / "x")
    for outside in (tmp_path / "other", Path("/boot"), Path("/proc"), Path("/")):
        assert not places.holds(outside)


def test_a_full_disk_is_said_in_words(client: httpx.Client) -> None:
    assert "free some space" in str(why(f"/x/000001.f16: {os.strerror(errno.ENOSPC)}; fix this"))
    assert "free some space" in str(why("/x: database or disk is full; fix this"))
    assert why("anything else") is None
