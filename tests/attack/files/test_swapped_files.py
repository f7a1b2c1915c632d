"""Files that become something else between the scan and the reading, or change places with one another."""

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer import Published, RulesChange
from indexer.catalogue.database import Catalogue
from indexer.catalogue.safekeeping import SEAL
from indexer.decoding.workers import Workers
from indexer.disk import open_below
from indexer.folders.filesystems import ChangeTimes
from indexer.jobs.pipeline import Pipeline
from model import Encoder, Unreadable
from tests.kit.jobs import Job
from tests.kit.standin import InThread, StandIn, contents, write_photo

SWAPS = 40


@pytest.fixture
def encoder() -> Encoder:
    return cast(Encoder, StandIn())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(6):
        write_photo(tmp_path / "photos" / "deep" / "er" / f"{seed}.png", seed)
    return tmp_path / "photos"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture that nobody asked to have indexed."""
    write_photo(tmp_path / "secret" / "er" / "0.png", 666)
    return tmp_path / "secret"


def known(job: Job) -> set[str]:
    """All contents that the catalogue and the thumbnails tell of."""
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        rows = catalogue.connection.execute("SELECT content FROM contents")
        return {content for (content,) in rows} | {
            path.stem for path in (job.index / "thumbnails").rglob("*.webp")
        }


def a_link(path: Path, secret: Path) -> None:
    path.unlink()
    path.symlink_to(secret / "er" / "0.png")


def a_linked_folder(path: Path, secret: Path) -> None:
    shutil.rmtree(path.parents[1])
    path.parents[1].symlink_to(secret)


def a_pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_device(path: Path, _: Path) -> None:
    path.unlink()
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


def a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Real processes."""
    found = Workers(32, tmp_path / "thumbnails", seconds=30)
    yield found
    found.close()


@pytest.mark.parametrize("swap", [a_link, a_linked_folder, a_pipe, a_device, a_folder])
def test_what_took_the_place_of_a_photo_is_not_read(
    workers: Workers, photos: Path, secret: Path, swap: Callable[[Path, Path], None]
) -> None:
    place = photos / "deep" / "er" / "0.png"
    try:
        swap(place, secret)
    except PermissionError:
        pytest.skip("this needs to be root")
    with pytest.raises(Unreadable, match=r"took its place|directory"):
        workers.read(photos, "deep/er/0.png")


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("swap", [a_link, a_linked_folder])
def test_a_link_swapped_in_after_the_scan_is_not_followed(
    quick: Job,
    photos: Path,
    secret: Path,
    monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[Path, Path], None],
    follow: bool,
) -> None:
    work = Pipeline._work

    def late(self: Pipeline, *arguments: object) -> object:
        swap(photos / "deep" / "er" / "0.png", secret)
        return work(self, *arguments)  # type: ignore[arg-type]

    write_photo(photos / "always.png", 7)
    mine = set(contents(photos).values())
    monkeypatch.setattr(Pipeline, "_work", late)
    report = quick(photos, change=RulesChange(follow_links=follow))
    assert report.photos in (1, 6)
    assert known(quick) <= mine


def test_forty_swaps_beside_runs(quick: Job, photos: Path, secret: Path) -> None:
    """A photo and a link to a secret take turns at one path, as fast as they can, while runs look at it."""
    place, link = photos / "deep" / "er" / "0.png", photos.parent / "link"
    whole, over = place.read_bytes(), threading.Event()
    write_photo(photos / "always.png", 7)
    mine = set(contents(photos).values())

    def swap() -> None:
        while not over.is_set():
            link.symlink_to(secret / "er" / "0.png")
            link.rename(place)
            (photos.parent / "whole").write_bytes(whole)
            (photos.parent / "whole").rename(place)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(SWAPS):
            quick(photos)
    finally:
        over.set()
        swapping.join()
    assert known(quick) <= mine


def test_links_that_are_to_be_followed_still_are(quick: Job, photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_photo(other / "kept" / "x.png", 50)
    (photos / "to here").symlink_to(photos / "deep")
    (photos / "to there").symlink_to(other)
    report = quick(photos, other, change=RulesChange(follow_links=True))
    assert (report.photos, report.problems) == (7, [])


@pytest.mark.parametrize("relative", ["../secret/er/0.png", "/etc/passwd", "deep/../../secret/er/0.png"])
def test_a_path_does_not_leave_its_folder(photos: Path, secret: Path, relative: str) -> None:
    with pytest.raises(OSError) as refused:
        open_below(photos, relative)
    assert refused.value.errno == errno.ENOENT


def swap_places(one: Path, other: Path) -> None:
    """As `mv` does: both keep their times."""
    aside = one.with_suffix(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def even(photos: Path) -> tuple[Path, Path]:
    """Two photos of one size and one time of writing."""
    one, other = photos / "deep" / "er" / "1.png", photos / "deep" / "er" / "2.png"
    size = max(one.stat().st_size, other.stat().st_size)
    for path in (one, other):
        path.write_bytes(path.read_bytes().ljust(size, b"\0"))
        os.utime(path, ns=(10**18, 10**18))
    return one, other


def by_path(job: Job) -> dict[str, str]:
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        return {entry.relative: entry.content for entry in catalogue.entries(job.encoder.fingerprint)}


def test_two_files_that_changed_places_are_noticed(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ChangeTimes(photos).stored(""):
        pytest.skip("the file system of this folder keeps no times of change")
    swapped = even(photos)
    quick(photos)
    swap_places(*swapped)
    monkeypatch.setattr(InThread, "decode", lambda *_: pytest.fail("decoded"))
    report = quick(photos)
    assert (report.embedded, report.published) == (0, True)
    assert by_path(quick) == contents(photos)
    opened = Published.open(quick.index, quick.encoder.fingerprint)
    hits = opened.search(np.ones((1, quick.encoder.dimension), np.float32), 10)
    assert {hit.photo.relative: hit.photo.content for hit in hits} == contents(photos)
    opened.close()
    assert quick(photos).unchanged == 6


def forget_times(job: Job) -> None:
    """As an older version left it."""
    (job.index / SEAL).unlink()
    db = sqlite3.connect(job.index / "catalogue.sqlite")
    with db:
        db.execute("UPDATE photos SET ctime_ns = NULL")
    db.close()


def test_an_older_index_is_not_read_again_and_learns_the_times(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = even(photos)
    quick(photos)
    forget_times(quick)
    with monkeypatch.context() as patched:
        patched.setattr(InThread, "read", lambda *_: pytest.fail("read"))
        assert quick(photos).unchanged == 6
    swap_places(*swapped)
    quick(photos)
    assert (by_path(quick) == contents(photos)) == ChangeTimes(photos).stored("")


def test_where_times_are_not_kept_nothing_is_read_again(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another ctime for every file, as after mounting a camera's card anew."""
    monkeypatch.setattr(ChangeTimes, "stored", lambda *_: False)
    quick(photos)
    for path in photos.rglob("*.png"):
        path.chmod(0o600)
    monkeypatch.setattr(InThread, "read", lambda *_: pytest.fail("read"))
    assert quick(photos).unchanged == 6


_TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /media rw - autofs systemd-1 rw
31 30 8:17 / /media rw - vfat /dev/sdb1 rw
32 22 0:50 / /nas rw - nfs4 server:/photos rw
33 22 0:51 /sub /nas/local\\040disk rw - btrfs /dev/sdc rw
34 22 0:52 / /home/me/cloud rw - fuse.rclone remote rw
"""


@pytest.mark.parametrize(
    ("root", "folder", "kept"),
    [
        ("/home/me/photos", "2024", True),
        ("/home/me", "cloud", False),
        ("/home/me", "cloud/2024", False),
        ("/home/me", "cloudy", True),
        ("/media", "", False),
        ("/nas", "2024", False),
        ("/nas", "local disk/2024", True),
        ("/nas/local disk/2024", "", True),
        ("/", "media/card", False),
    ],
)
def test_whether_times_are_kept_depends_on_what_is_mounted(
    tmp_path: Path, root: str, folder: str, kept: bool
) -> None:
    (tmp_path / "mountinfo").write_text(_TABLE)
    assert ChangeTimes(Path(root), tmp_path / "mountinfo").stored(folder) == kept
    assert not ChangeTimes(Path(root), tmp_path / "none").stored(folder)
