"""The job from folders to a published index: what it indexes, skips, notices, and refuses."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer import (
    Published,
)
from indexer.jobs import pipeline
from indexer.jobs.pipeline import Pipeline
from indexer.stores import faiss as stores
from tests.kit.jobs import Job, entries, ids
from tests.kit.pictures import bomb_png, jpeg, truncated
from tests.kit.privileges import unprivileged
from tests.kit.shapes import THINGS, drawing, picture


def test_first_run_takes_every_photo(job: Job, library: Path) -> None:
    report = job(library)
    assert (report.added, report.photos, report.embedded, report.published) == (15, 15, 15, True)
    assert (job.progress.photos, job.progress.done) == (15, 15)
    assert set(ids(job)) == {p.relative_to(library).as_posix() for p in library.rglob("*.jpg")}


@pytest.mark.parametrize("cores", [1, 3])
def test_a_run_uses_the_cores_that_it_may(
    quick: Job, hundred: Path, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, threads: int, **options: str) -> None:
            at_once.append(threads)
            super().__init__(threads, **options)

    monkeypatch.setattr(pipeline, "usable", lambda: cores)
    monkeypatch.setattr(pipeline, "ThreadPoolExecutor", Pool)
    assert quick(hundred).photos == 100
    assert at_once == [cores]


def test_a_drawing_finds_its_kind(job: Job, library: Path) -> None:
    job(library)
    published = Published.open(job.index, job.encoder.fingerprint)
    for thing in THINGS:
        hits = published.search(job.encoder.sketches([drawing(thing)]), 3)
        assert any(hit.photo.relative.startswith(f"{thing}/") for hit in hits), thing
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_second_run_does_no_work(job: Job, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (library / "bad.jpg").write_bytes(b"")
    first = job(library)
    monkeypatch.setattr(Pipeline, "run", lambda *_: pytest.fail("a photo was worked on"))
    before = sorted((p, p.stat().st_mtime_ns) for p in (job.index / "generations").rglob("*"))
    second = job(library)
    assert (second.unchanged, second.embedded, second.published) == (15, 0, False)
    assert [bad.path.name for bad in second.skipped] == ["bad.jpg"]
    assert second.generation == first.generation
    assert sorted((p, p.stat().st_mtime_ns) for p in (job.index / "generations").rglob("*")) == before


def test_without_folders_the_known_ones_are_scanned(job: Job, library: Path) -> None:
    job(library)
    picture("fish", 9).save(library / "new.png")
    report = job()
    assert (report.added, report.unchanged, report.photos) == (1, 15, 16)


def test_new_changed_and_deleted_photos(job: Job, library: Path) -> None:
    job(library)
    picture("mug", 7).save(library / "star" / "star 0.jpg")
    picture("mug", 8).save(library / "another mug.png")
    (library / "fish" / "fish 1.jpg").unlink()
    report = job(library)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 13)
    assert report.embedded == 2
    assert report.photos == 15
    assert "another mug.png" in ids(job)
    assert "fish/fish 1.jpg" not in ids(job)


def test_a_photo_keeps_its_id_when_it_changes(job: Job, library: Path) -> None:
    job(library)
    before = {e.relative: e.id for e in entries(job)}
    picture("mug", 7).save(library / "star" / "star 0.jpg")
    job(library)
    assert {e.relative: e.id for e in entries(job)} == before


def test_moved_and_copied_photos_are_not_embedded_again(job: Job, library: Path) -> None:
    job(library)
    (library / "fish").rename(library / "sea")
    shutil.copy(library / "mug" / "mug 0.jpg", library / "copy.jpg")
    report = job(library)
    assert report.embedded == 0
    assert (report.photos, report.added, report.moved, report.removed) == (16, 1, 3, 0)
    assert {"sea/fish 0.jpg", "copy.jpg"} < set(ids(job))


def test_a_touched_photo_publishes_nothing(job: Job, library: Path) -> None:
    job(library)
    os.utime(library / "mug" / "mug 0.jpg", (1, 1))
    report = job(library)
    assert (report.changed, report.embedded, report.published) == (1, 0, False)
    assert job(library).changed == 0


def test_several_folders_live_in_one_index(job: Job, library: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    picture("star", 5).save(other / "s.webp")
    job(library)
    assert job(other).photos == 16
    assert job(library).photos == 16


def test_bad_files_are_listed_and_never_fatal(job: Job, library: Path) -> None:
    whole = jpeg()
    bad: dict[str, tuple[bytes, str]] = {
        "text.jpg": (b"Dear diary, this is no picture.", "text"),
        "empty.png": (b"", "empty"),
        "cut.jpg": (truncated(whole), "is cut off"),
        "bomb.png": (bomb_png(), "megapixels"),
        "noise.webp": (bytes(range(256)) * 4, "not a picture"),
    }
    for name, (data, _) in bad.items():
        (library / name).write_bytes(data)
    (library / "disguised.png").write_bytes(whole)
    (library / "folder.jpg").mkdir()
    (library / "link.jpg").symlink_to(library / "mug" / "mug 0.jpg")
    report = job(library)
    reasons = {skipped.path.name: skipped.reason for skipped in report.skipped}
    assert set(reasons) == {*bad, "link.jpg", "folder.jpg"}
    for name, (_, part) in bad.items():
        assert part in reasons[name], reasons[name]
        assert str(library) not in reasons[name]
    assert report.photos == 16
    assert "disguised.png" in ids(job)


def test_a_fixed_file_is_indexed(job: Job, library: Path) -> None:
    (library / "cut.jpg").write_bytes(truncated(jpeg()))
    assert job(library).photos == 15
    (library / "cut.jpg").write_bytes(jpeg())
    assert job(library).photos == 16


def test_a_photo_that_rots_leaves_the_index(job: Job, library: Path) -> None:
    job(library)
    (library / "mug" / "mug 0.jpg").write_bytes(b"rotten")
    report = job(library)
    assert report.photos == 14
    assert [bad.path.name for bad in report.skipped] == ["mug 0.jpg"]


def test_an_unreadable_file_is_tried_again(job: Job, library: Path) -> None:
    secret = library / "mug" / "mug 0.jpg"
    secret.chmod(0)
    with unprivileged():
        report = job(library)
    assert "Permission denied" in report.skipped[0].reason
    secret.chmod(0o600)
    assert job(library).added == 1


def test_names_that_are_no_text_are_listed(job: Job, library: Path) -> None:
    odd = os.fsencode(library) + b"/caf\xe9.jpg"
    Path(os.fsdecode(odd)).write_bytes(jpeg())
    report = job(library)
    assert "UTF-8" in report.skipped[0].reason
    assert report.photos == 15


def test_hidden_files_and_linked_folders_are_left_alone(job: Job, library: Path, tmp_path: Path) -> None:
    (library / ".trash").mkdir()
    (library / ".trash" / "a.jpg").write_bytes(jpeg())
    (library / "round").symlink_to(library)
    report = job(library)
    assert (report.photos, report.skipped) == (15, [])


def test_an_index_of_an_older_type_is_rebuilt_by_the_next_run(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As versions without codes left it; one whose type was asked for stays."""
    job(library)
    monkeypatch.setattr(stores, "FLAT_UP_TO", 0)
    monkeypatch.setitem(stores._LEAST, "codes", 1)
    before = Published.open(job.index, job.encoder.fingerprint)
    query = job.encoder.sketches([drawing(next(iter(THINGS)))])
    report = job(library)
    assert report.healed == ["the index was flat-fp16: rebuilt as codes, for faster searches"]
    after = Published.open(job.index, job.encoder.fingerprint)
    assert [library.manifest.store for library in (before, after)] == ["flat-fp16", "codes"]
    assert [hit.photo.relative for hit in after.search(query, 5)] == [
        hit.photo.relative for hit in before.search(query, 5)
    ]
    again = job(library)
    assert (again.published, again.healed) == (False, [])
    asked = job(library, index_type="flat")
    assert (asked.published, asked.healed, job(library).published) == (True, [], False)
