"""Things that go wrong around an index: foreign folders, lost files, full disks, unreadable folders."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer import IndexProblem, NoIndex, PhotosMissing, Published
from indexer.decoding.thumbnails import thumbnail_path
from indexer.folders.scan import scan
from indexer.generations.generation import current
from indexer.generations.manifest import identity
from model import decode
from tests.kit import TOP
from tests.kit.jobs import Job
from tests.kit.pictures import jpeg
from tests.kit.shapes import drawing, picture, write_library


def self_similarities(job: Job) -> list[float]:
    """The similarity of each published photo to the vector of its own file now; 1 if nothing is mixed up."""
    published = Published.open(job.index, job.encoder.fingerprint)
    hits = published.search(job.encoder.sketches([drawing("star")]), 1000)
    found = []
    for hit in hits:
        vector = job.encoder.photos([decode(hit.photo.path, shortest=224).image])
        scores = {other.photo.id: other.score for other in published.search(vector, 1000)}
        found.append(scores[hit.photo.id])
    return found


def test_a_family_album_that_looks_like_an_index_is_left_alone(
    job: Job, library: Path, tmp_path: Path
) -> None:
    job.index = tmp_path / "family"
    for name in ("generations/1950", "generations/1980", "thumbnails", "generations/x.tmp"):
        (job.index / name).mkdir(parents=True)
        (job.index / name / "a.jpg").write_bytes(jpeg())
    before = sorted(job.index.rglob("*"))
    with pytest.raises(NoIndex, match="holds other files"):
        job(library)
    assert sorted(job.index.rglob("*")) == before


def test_only_our_own_generations_are_ever_removed(job: Job, library: Path) -> None:
    job(library)
    foreign = [job.index / "generations" / name for name in ("000000", "1950", "notes.tmp")]
    for folder in foreign:
        folder.mkdir()
        (folder / "keep").touch()
    for seed in range(4):
        picture("fish", 20 + seed).save(library / f"{seed}.png")
        job(library)
    assert all((folder / "keep").exists() for folder in foreign)
    assert len(self_similarities(job)) == 19


@pytest.mark.parametrize("lost", ["everything", "the end of a shard"])
@pytest.mark.parametrize("published", [True, False])
def test_lost_vectors_are_copied_back_or_made_again_and_never_mixed(
    job: Job, library: Path, lost: str, published: bool
) -> None:
    job(library)
    if lost == "everything":
        shutil.rmtree(job.index / "vectors")
    else:
        shard = next((job.index / "vectors").rglob("*.f16"))
        shard.write_bytes(shard.read_bytes()[:5000])
    if not published:
        (job.index / "CURRENT").unlink()
    write_library(library / "more", each=1, first=50)
    report = job(library)
    assert (report.embedded == 5) is published
    assert len([line for line in report.healed if "vectors" in line]) == 1
    assert report.photos == 20
    assert min(self_similarities(job)) > 0.99


def test_the_number_of_a_lost_shard_is_not_used_again(job: Job, library: Path) -> None:
    job(library)
    first = {path.name for path in (job.index / "vectors").rglob("*.f16")}
    shutil.rmtree(job.index / "vectors")
    picture("fish", 30).save(library / "new.png")
    job(library)
    assert min(self_similarities(job)) > 0.99
    assert first == {"000001.f16"}


def test_a_recreated_catalogue_is_published(job: Job, library: Path, tmp_path: Path) -> None:
    job(library)
    for path in job.index.glob("catalogue.sqlite*"):
        path.unlink()
    other = write_library(tmp_path / "other")
    report = job(other)
    assert (report.published, report.generation, report.photos) == (True, "000002", 15)
    published = Published.open(job.index, job.encoder.fingerprint)
    assert {Path(hit.photo.root) for hit in published.search(job.encoder.texts(["a fish"]), 100)} == {other}


def test_a_recreated_index_has_another_identity(job: Job, library: Path) -> None:
    job(library)
    first = identity(current(job.index))
    assert Published.open(job.index, job.encoder.fingerprint).identity == first
    shutil.rmtree(job.index)
    job(library)
    assert current(job.index).name == "000001"
    assert identity(current(job.index)) != first


def test_an_index_among_the_photos_does_not_index_itself(job: Job, library: Path) -> None:
    job.index = library / "index"
    for _ in range(3):
        assert job(library).photos == 15
    with pytest.raises(PhotosMissing, match="lies in the index folder"):
        job(library / "index" / "thumbnails")


def test_an_unreadable_folder_is_no_deletion(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(library)
    whole = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "fish":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    with monkeypatch.context() as patched:
        patched.setattr("indexer.folders.scan.os.scandir", refuse)
        report = job(library)
    assert (report.removed, report.photos) == (0, 15)
    assert [(bad.path.name, bad.reason) for bad in report.skipped] == [
        ("fish", "cannot be read (Permission denied)")
    ]
    assert job(library).unchanged == 15


def test_folders_may_be_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    depth = 1200
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert scan(tmp_path).found == []
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_a_missing_folder_can_be_accepted_or_forgotten(job: Job, library: Path, tmp_path: Path) -> None:
    second, third = (write_library(tmp_path / name, each=1) for name in ("second", "third"))
    job(library, second, third)
    shutil.rmtree(second)
    assert "no such folder" in job().problems[0]
    report = job(accept_deletions=True)
    assert (report.removed, report.photos, report.problems) == (5, 20, [])
    assert job().problems == []
    report = job(forget=[third])
    assert (report.removed, report.photos) == (5, 15)


def test_a_parent_takes_the_place_of_its_child(job: Job, library: Path) -> None:
    job(library / "fish")
    with pytest.raises(IndexProblem, match="--forget"):
        job(library)
    report = job(library, forget=[library / "fish"])
    assert (report.photos, report.embedded) == (15, 12)


def test_what_is_gone_leaves_nothing_behind(job: Job, library: Path) -> None:
    job(library)
    (library / "fish" / "fish 1.jpg").unlink()
    job(library)
    assert len(list((job.index / "thumbnails").rglob("*.webp"))) == 14
    db = sqlite3.connect(job.index / "catalogue.sqlite")
    assert db.execute(
        "SELECT count(*) FROM vectors WHERE fingerprint = ? AND content IN (SELECT content FROM photos)",
        [job.encoder.fingerprint],
    ).fetchone() == (14,)
    db.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda index: _replace(index / "catalogue.sqlite"), "fix this and run"),
        (lambda index: _replace(index / "CURRENT"), "fix this and run"),
    ],
    ids=["catalogue a folder", "CURRENT a folder"],
)
def test_damage_is_one_clear_line(job: Job, library: Path, damage: object, message: str) -> None:
    job(library)
    for path in job.index.glob("catalogue.sqlite-*"):
        path.unlink()
    assert callable(damage)
    damage(job.index)
    picture("fish", 40).save(library / "new.png")
    with pytest.raises(IndexProblem, match=message):
        job(library)


def _replace(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


def test_a_file_size_limit_stops_clearly_and_the_next_run_completes(library: Path, tmp_path: Path) -> None:
    """A full disk in miniature: no file may grow beyond 16 kB."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384));"
        "from service.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, "index", str(library), "--index", str(tmp_path / "index")]
    full = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "delete it" not in full.stderr
    assert "same command again" in full.stderr
    command[1:3] = ["-m", "service.cli"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert "generation 000001 with 15 photos" in done.stdout, done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 16384


def test_thumbnails_are_found_by_content(job: Job, library: Path) -> None:
    job(library)
    hit = Published.open(job.index, job.encoder.fingerprint).search(job.encoder.texts(["a mug"]), 1)[0]
    assert thumbnail_path(job.index / "thumbnails", hit.photo.content).stat().st_size > 0
    assert np.isfinite(hit.score)


def test_what_is_forgotten_is_not_found_while_another_folder_is_away(
    job: Job, library: Path, tmp_path: Path
) -> None:
    other = write_library(tmp_path / "other", each=1)
    job(library, other)
    other.rename(tmp_path / "away")
    report = job(forget=[library])
    assert (report.published, report.photos, report.removed) == (True, 5, 15)
    assert "no such folder" in report.problems[0]


def test_a_folder_that_was_never_indexed_cannot_be_forgotten(job: Job, library: Path, tmp_path: Path) -> None:
    job(library)
    with pytest.raises(IndexProblem, match=f"typo: not a folder of this index; it holds {library}"):
        job(forget=[tmp_path / "typo"])
    assert job().photos == 15
