"""Photos that exist but are no longer pictures: emptied, zeroed, truncated, or encrypted. Not a deletion, either."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.catalogue.database import Catalogue
from indexer.decoding.thumbnails import thumbnail_path
from indexer.folders.losses import FEW
from tests.kit.damage import cut, empty, encrypt, zero
from tests.kit.failpoints import DIED, Death, in_fork, lay_mines
from tests.kit.jobs import Job, pretend
from tests.kit.standin import InThread, contents, published, write_photo

PHOTOS = 60


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(PHOTOS):
        write_photo(tmp_path / "photos" / f"{seed:02}.png", seed)
    return tmp_path / "photos"


def ids(job: Job) -> dict[str, int]:
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        return {entry.relative: entry.id for entry in catalogue.entries(job.encoder.fingerprint)}


def seeds(photos: Path) -> dict[str, int]:
    return {content: int(Path(name).stem) for name, content in contents(photos).items()}


def spoil(photos: Path, how: Callable[[Path], None], number: int) -> None:
    for path in sorted(photos.glob("*.png"))[:number]:
        how(path)


@pytest.mark.parametrize("how", [empty, zero, cut(0.5), encrypt], ids=["empty", "zero", "cut", "encrypt"])
def test_a_spoilt_library_stays_until_it_is_given_up(
    quick: Job, photos: Path, tmp_path: Path, how: Callable[[Path], None]
) -> None:
    quick(photos)
    backup = shutil.copytree(photos, tmp_path / "backup")
    before, seen, made_of = ids(quick), contents(photos), seeds(photos)
    spoil(photos, how, PHOTOS)
    for _ in range(2):
        report = quick(photos)
        assert (report.photos, report.removed, len(report.skipped)) == (PHOTOS, 0, PHOTOS)
        (problem,) = report.problems
        assert f"{PHOTOS} of its {PHOTOS} photos are no longer pictures" in problem
        assert "backup" in problem
        assert "--accept-deletions" in problem
        assert published(quick.index, made_of) == seen
        assert ids(quick) == before
    assert all(thumbnail_path(quick.index / "thumbnails", content).exists() for content in made_of)
    shutil.rmtree(photos)
    shutil.copytree(backup, photos)
    report = quick(photos)
    assert (report.problems, report.embedded, ids(quick)) == ([], 0, before)
    spoil(photos, how, PHOTOS)
    report = quick(photos, accept_deletions=True)
    assert (report.problems, report.photos) == ([], 0)
    assert not list((quick.index / "thumbnails").rglob("*.webp"))


@pytest.mark.parametrize(("number", "kept"), [(12, False), (13, True)])
def test_the_measure_is_that_for_photos_that_are_gone(
    quick: Job, photos: Path, number: int, kept: bool
) -> None:
    """A fifth of sixty is twelve."""
    quick(photos)
    spoil(photos, empty, number)
    report = quick(photos)
    assert bool(report.problems) == kept
    assert report.photos == (PHOTOS if kept else PHOTOS - number)


def test_gone_and_spoilt_photos_are_counted_together(quick: Job, photos: Path) -> None:
    """Each would pass alone. Neither is taken out, and what is new and good is taken in."""
    quick(photos)
    before = ids(quick)
    spoil(photos, empty, 10)
    for path in sorted(photos.glob("*.png"))[-10:]:
        path.unlink()
    write_photo(photos / "new.png", 1000)
    report = quick(photos)
    assert (report.photos, report.added, report.removed) == (PHOTOS + 1, 1, 0)
    assert "10 of its 60 photos are no longer pictures, and 10 are gone" in report.problems[0]
    assert ids(quick).items() > before.items()
    report = quick(photos, accept_deletions=True)
    assert (report.photos, report.removed) == (PHOTOS - 19, 10)


def test_a_few_go_and_come_back_with_their_ids(quick: Job, photos: Path, tmp_path: Path) -> None:
    quick(photos)
    before = ids(quick)
    backup = shutil.copytree(photos, tmp_path / "backup")
    spoil(photos, encrypt, FEW)
    report = quick(photos)
    assert (report.problems, report.photos, len(report.skipped)) == ([], PHOTOS - FEW, FEW)
    shutil.copytree(backup, photos, dirs_exist_ok=True)
    assert quick(photos).photos == PHOTOS
    assert ids(quick) == before


def test_a_few_do_not_go_where_the_folder_is_on_another_device(quick: Job, photos: Path) -> None:
    """Not on the second look either: what is not believed does not teach where the folder lies."""
    for path in sorted(photos.glob("*.png"))[20:]:
        path.unlink()
    quick(photos)
    pretend(quick, "device = '12345'")
    spoil(photos, empty, 5)
    for _ in range(2):
        assert quick(photos).photos == 20
    assert quick(photos, accept_deletions=True).photos == 15


def test_a_drive_that_goes_during_the_run_takes_nothing_with_it(
    quick: Job, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(photos)
    write_photo(photos / "new.png", 1000)
    whole = InThread.read

    def gone(self: InThread, root: Path, relative: str) -> object:
        if photos.exists():
            photos.rename(tmp_path / "elsewhere")
        return whole(self, root, relative)

    with monkeypatch.context() as patched:
        patched.setattr(InThread, "read", gone)
        assert quick(photos).photos == PHOTOS
    (tmp_path / "elsewhere").rename(photos)
    assert quick(photos).photos == PHOTOS + 1


def test_a_run_that_dies_anywhere_has_taken_nothing_out(quick: Job, photos: Path, tmp_path: Path) -> None:
    """At every fourth thing that it does to the disk."""
    quick(photos)
    before, seen, made_of = ids(quick), contents(photos), seeds(photos)
    spoil(photos, empty, 40)
    write_photo(photos / "new.png", 1000)
    made_of |= {contents(photos)["new.png"]: 1000}
    start, at = shutil.copytree(quick.index, tmp_path / "start"), 1
    while True:
        shutil.rmtree(quick.index)
        shutil.copytree(start, quick.index)

        def work(at: int = at) -> None:
            lay_mines(Death(at))
            quick(photos)

        status = in_fork(work)
        assert status in (0, DIED)
        assert published(quick.index, made_of).items() >= seen.items()
        report = quick(photos)
        assert report.photos == PHOTOS + 1
        assert ids(quick).items() > before.items()
        if status == 0:
            break
        at += 4
    assert at > 20
    assert not (photos / "00.png").read_bytes()
