"""Runs that meet trouble: folders that are missing or emptied, two writers, damage, deaths, and other models."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from indexer import (
    BrokenGeneration,
    IndexBusy,
    IndexProblem,
    NoIndex,
    NothingToIndex,
    PhotosMissing,
)
from indexer.catalogue.safekeeping import SEAL
from indexer.decoding.thumbnails import thumbnail_path
from indexer.generations.generation import current
from indexer.generations.manifest import read_manifest
from indexer.locking.lock import writing
from model import Encoder
from tests.kit.jobs import Job, entries, ids
from tests.kit.shapes import picture


def test_missing_and_empty_folders(job: Job, tmp_path: Path) -> None:
    with pytest.raises(PhotosMissing, match="no such folder"):
        job(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotosMissing, match="no photos in it"):
        job(tmp_path / "empty")
    (tmp_path / "file").touch()
    with pytest.raises(PhotosMissing, match="not a folder"):
        job(tmp_path / "file")
    with pytest.raises(PhotosMissing, match="no photo folder given"):
        job()


def test_a_missing_folder_does_not_stop_the_others(job: Job, library: Path, tmp_path: Path) -> None:
    report = job(library, tmp_path / "nowhere")
    assert report.photos == 15
    assert "nowhere" in report.problems[0]


def test_an_emptied_folder_is_not_believed(job: Job, library: Path) -> None:
    job(library)
    shutil.rmtree(library)
    library.mkdir()
    with pytest.raises(PhotosMissing, match="is its drive mounted"):
        job(library)
    assert len(ids(job)) == 15
    report = job(library, accept_deletions=True)
    assert (report.removed, report.photos) == (15, 0)
    assert set(ids(job)) == set()


def test_only_bad_files_is_an_error(job: Job, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("no")
    with pytest.raises(NothingToIndex, match=r"1 files were skipped \(a.jpg"):
        job(tmp_path / "photos")


def test_nested_folders_are_refused(job: Job, library: Path) -> None:
    job(library)
    with pytest.raises(IndexProblem, match="lies inside"):
        job(library / "fish")


def test_an_index_is_not_scattered_over_other_files(job: Job, library: Path) -> None:
    job.index = library
    with pytest.raises(NoIndex, match="holds other files"):
        job(library)
    assert not (library / "catalogue.sqlite").exists()


def test_two_writers(job: Job, library: Path) -> None:
    job(library)
    with writing(job.index), pytest.raises(IndexBusy, match=f"process {os.getpid()}"):
        job(library)
    assert job(library).unchanged == 15


def test_a_damaged_generation_is_made_again(job: Job, library: Path) -> None:
    job(library)
    file = current(job.index) / "index.faiss"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(BrokenGeneration, match="not the file that was published"):
        set(ids(job))
    report = job(library)
    assert (report.published, report.embedded, len(ids(job))) == (True, 0, 15)


def test_an_interrupted_run_goes_on(job: Job, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after the first batch: what was encoded is kept, and the next run publishes everything."""
    picture_count = 40
    for seed in range(picture_count):
        picture("mug", 100 + seed, size=96).save(library / f"more {seed}.png")
    encode, calls = job.encoder.encode, []

    def interrupted(pixels: list[object], kind: object) -> object:
        calls.append(len(pixels))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return encode(pixels, kind)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(job.encoder, "encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            job(library)
    with pytest.raises(NoIndex, match="nothing published yet"):
        set(ids(job))
    report = job(library)
    assert report.embedded == 15 + picture_count - calls[0]
    assert report.photos == 15 + picture_count


def test_a_run_killed_before_publishing_is_finished_by_the_next(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(library)
    picture("fish", 9).save(library / "new.png")
    with monkeypatch.context() as broken:
        broken.setattr("indexer.generations.writer.publish", lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            job(library)
    report = job(library)
    assert (report.embedded, report.published, report.photos) == (0, True, 16)


def test_another_model_embeds_everything_anew(
    job: Job, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    picture("star", 5).save(other / "s.webp")
    job(library, other)
    monkeypatch.setattr(Encoder, "fingerprint", "another")
    report = job(other)
    assert (report.embedded, report.photos) == (16, 16)
    assert read_manifest(current(job.index)).fingerprint == "another"


def test_thumbnails_are_made_once_for_a_content(job: Job, library: Path) -> None:
    job(library)
    files = {thumbnail_path(job.index / "thumbnails", e.content) for e in entries(job)}
    assert set((job.index / "thumbnails").rglob("*.*")) == files


def test_a_foreign_or_newer_catalogue_is_refused(job: Job, library: Path) -> None:
    job(library)
    db = sqlite3.connect(job.index / "catalogue.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    (job.index / SEAL).unlink()
    with pytest.raises(NoIndex, match="newer sketchseek"):
        job(library)
    (job.index / "catalogue.sqlite").write_bytes(b"not a database at all" * 100)
    (job.index / "catalogue.sqlite.copy").unlink()
    with pytest.raises(NoIndex, match=r"damaged .*delete it"):
        job(library)
