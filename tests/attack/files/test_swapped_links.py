"""Photos, and folders above them, that become links between check and use: nothing outside is ever sent."""

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

ASKED = 150
# On a busy machine it may take a while until both have been met.
MOST_ASKED = 5000


@contextmanager
def swapping(path: Path, other: Path) -> Iterator[None]:
    """Lets a name be now what it was, now a link to the other, each time in one step."""
    aside, link = path.with_name("aside"), path.with_name("link")
    link.symlink_to(other)
    stop = threading.Event()

    def swap() -> None:
        while not stop.wait(0.0005):
            path.rename(aside)
            link.rename(path)
            stop.wait(0.0005)
            path.rename(link)
            aside.rename(path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        link.unlink()


def the_photo(photos: Path, relative: str, outside: Path) -> tuple[Path, Path]:
    return photos / relative, outside / relative


def its_folder(photos: Path, relative: str, outside: Path) -> tuple[Path, Path]:
    return (photos / relative).parent, (outside / relative).parent


@pytest.mark.parametrize("what", [the_photo, its_folder])
def test_no_link_is_followed(
    own_server: LiveServer, tmp_path: Path, what: Callable[[Path, str, Path], tuple[Path, Path]]
) -> None:
    """The other picture is none of the index, though it lies under the same name and is as readable."""
    with own_server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
    own = (own_server.photos / result["path"]).read_bytes()
    secret = tmp_path / "elsewhere" / result["path"]
    secret.parent.mkdir(parents=True)
    secret.write_bytes(encoded(picture("mug", 4321), "JPEG"))
    path, other = what(own_server.photos, result["path"], tmp_path / "elsewhere")
    seen: Counter[int] = Counter()
    # Without an index folder to keep them in, a large picture is made of the photo each time.
    with listening(own_server.gallery, large_pictures_mb=0) as url, httpx.Client(base_url=url) as client:
        large = client.get(f"{result['thumbnail_url']}&size=large").content
        with swapping(path, other):
            for number in range(MOST_ASKED):
                if number >= ASKED and seen[200] and seen[410]:
                    break
                answer = client.get(result["url"])
                seen[answer.status_code] += 1
                assert answer.status_code in (200, 206, 410), answer.text
                assert answer.content == own if answer.status_code == 200 else b"JFIF" not in answer.content
                if number % 10 == 0:
                    answer = client.get(f"{result['thumbnail_url']}&size=large")
                    assert answer.status_code in (200, 410), answer.text
                    assert answer.content == large if answer.status_code == 200 else True
    # Both were met, else nothing was tried.
    assert seen[200] > 0, seen
    assert seen[410] > 0, seen


def test_a_link_that_stays_is_refused(own_server: LiveServer, tmp_path: Path) -> None:
    """Also one to a photo of the same library, and one that leads round in a circle."""
    with own_server.client() as client:
        first, second = client.post("/search?k=2", content=PNG).json()["results"]
        path = own_server.photos / first["path"]
        for target in (
            own_server.photos / second["path"],
            tmp_path,
            path,
            Path(os.devnull),
            Path("/etc/passwd"),
        ):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            path.symlink_to(target)
            answer = client.get(first["url"])
            assert (answer.status_code, answer.json()["code"]) == (410, "photo_gone")
