"""Zip files of photos: whole, unique names, memory that does not grow, and an end when the client leaves."""

import io
import os
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer import Photo
from model import Encoder
from service.asgi.keys import make
from service.photos.zipping import names, zipped
from tests.kit.service.asking import problem
from tests.kit.service.browsing import NEWEST_FIRST, album
from tests.kit.service.servers import LiveServer, listening
from tests.kit.waiting import until


@pytest.fixture
def served(tmp_path: Path, encoder: Encoder) -> Iterator[LiveServer]:
    with album(tmp_path, encoder) as server:
        yield server


def ids(url: str) -> dict[str, str]:
    found = httpx.get(f"{url}/photos").json()["photos"]
    return {photo["path"]: photo["id"] for photo in found}


def test_a_zip_of_photos(served: LiveServer) -> None:
    numbers = ids(served.url)
    (served.photos / NEWEST_FIRST[2]).unlink()
    asked = ",".join([*numbers.values(), numbers[NEWEST_FIRST[0]], "f" * 16])
    for form in ({"data": {"ids": asked}}, {"files": {"ids": (None, asked)}}):
        answer = httpx.post(f"{served.url}/download", **form)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            files = {Path(name).name: served.photos / name for name in NEWEST_FIRST if "house" not in name}
            assert set(archive.namelist()) == {*files, "MISSING.txt"}
            assert {name: archive.read(name) for name in files} == {
                name: path.read_bytes() for name, path in files.items()
            }
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
            missing = archive.read("MISSING.txt").decode().splitlines()
            assert [line.partition(":")[0] for line in missing] == ["f" * 16, "house.jpg"]


def test_what_is_refused(served: LiveServer) -> None:
    def post(ids: str) -> httpx.Response:
        return httpx.post(f"{served.url}/download", data={"ids": ids})

    assert problem(post(" , "), 422, "invalid_request").startswith("ids: ")
    problem(post(",".join(f"{number:016x}" for number in range(2001))), 422, "invalid_request")
    problem(post(",".join(f"{number:016x}" for number in range(2000))), 404, "photo_not_found")
    problem(post("f" * 2**18), 413, "content_too_large")
    problem(httpx.post(f"{served.url}/download", json={"ids": "a"}), 415, "unsupported_media_type")
    twice = {"content": "ids=a&ids=b", "headers": {"content-type": "application/x-www-form-urlencoded"}}
    problem(httpx.post(f"{served.url}/download", **twice), 422, "invalid_request")  # type: ignore[arg-type]


def test_no_form_of_another_site_starts_a_download(served: LiveServer) -> None:
    data = {"ids": next(iter(ids(served.url).values()))}
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        problem(httpx.post(f"{served.url}/download", data=data, headers=headers), 403, "other_site")
    own = {"origin": served.url, "sec-fetch-site": "same-origin"}
    assert httpx.post(f"{served.url}/download", data=data, headers=own).status_code == 200
    key, entry = make(admin=False)
    with listening(served.gallery, api_keys=entry) as url:
        problem(httpx.post(f"{url}/download", data=data), 401, "no_key")
        answer = httpx.post(f"{url}/download", data=data, headers={"x-api-key": key, "origin": "http://app"})
        assert answer.status_code == 200


def photo(root: Path, relative: str, number: int = 1) -> Photo:
    return Photo(number, str(root), relative, "c", 1, 1)


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.JPG", "c/2.jpg"], ["a/1.jpg", "b/1.JPG", "2.jpg"]),
        (["a/1.jpg", "a/1.jpg"], ["a/1.jpg", "a/1 (2).jpg"]),
        (["MISSING.txt"], ["MISSING (2).txt"]),
        (["a\\..\\b.jpg", "c:d.jpg", "\udcff.jpg"], ["a_.._b.jpg", "c_d.jpg", "_udcff.jpg"]),
        (["caf\u00e9.jpg", "x/cafe\u0301.jpg"], ["caf\u00e9.jpg", "x/cafe\u0301.jpg"]),
    ],
)
def test_names_are_unique_on_every_system(tmp_path: Path, paths: list[str], wanted: list[str]) -> None:
    assert names([photo(tmp_path, path) for path in paths]) == wanted


def test_memory_stays_flat_and_large_files_are_whole(tmp_path: Path) -> None:
    size = 40 * 2**20
    for number in range(3):
        with (tmp_path / f"{number}.jpg").open("wb") as file:
            file.truncate(size)
    photos = [photo(tmp_path, f"{number}.jpg") for number in range(3)]
    tracemalloc.start()
    try:
        total = sum(map(len, zipped(photos)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total > 3 * size
    assert peak < 8 * 2**20


def test_a_file_that_shrinks_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(os.urandom(2**20))
    pieces = zipped([photo(tmp_path, "1.jpg")])
    first = next(pieces)
    (tmp_path / "1.jpg").write_bytes(b"")
    with zipfile.ZipFile(io.BytesIO(first + b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert "1.jpg: it could not be read to its end" in archive.read("MISSING.txt").decode()


def test_it_ends_when_the_client_leaves(served: LiveServer) -> None:
    """The open photo is closed, and the service goes on."""
    path = served.photos / NEWEST_FIRST[0]
    number = ids(served.url)[NEWEST_FIRST[0]]
    with path.open("ab") as file:
        file.truncate(2**30)

    def held() -> bool:
        links = [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()]
        return str(path.resolve()) in links

    with httpx.stream("POST", f"{served.url}/download", data={"ids": number}) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        until(held)
    until(lambda: not held())
    assert httpx.get(f"{served.url}/readyz").status_code == 200
