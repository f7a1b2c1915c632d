"""Going back, staying there, pruning, and what `status` says meanwhile; full disks and folders without permission."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer import IndexProblem, NoIndex, Published, status
from indexer.generations.generation import current, generations, held, prune, release, rollback
from indexer.generations.manifest import read_manifest
from indexer.locking.lock import writing
from tests.kit.damage import flip
from tests.kit.jobs import Job
from tests.kit.privileges import unprivileged
from tests.kit.shapes import picture


@pytest.fixture
def grown(job: Job, library: Path) -> Job:
    """Three generations of 15, 16 and 17 photos."""
    for seed in range(3):
        if seed:
            picture("fish", 20 + seed).save(library / f"{seed}.png")
        job(library, keep=5)
    return job


def serving(job: Job) -> tuple[str, int]:
    published = Published.open(job.index, job.encoder.fingerprint)
    assert published.refused == ()
    return published.manifest.generation, len(published)


def test_a_rollback_stays_until_it_is_released(grown: Job, library: Path) -> None:
    assert rollback(grown.index) == ("000003", "000002")
    assert serving(grown) == ("000002", 16)
    assert "rolled back from 000003" in (held(grown.index) or "")
    picture("mug", 30).save(library / "new.png")
    report = grown()
    assert (report.added, report.published, report.generation) == (1, False, "000002")
    assert "rollback --release" in report.problems[0]
    assert serving(grown) == ("000002", 16)
    assert rollback(grown.index) == ("000002", "000001")
    assert release(grown.index) == "000001"
    assert (held(grown.index), serving(grown)) == (None, ("000001", 15))
    report = grown()
    assert (report.published, report.generation, report.problems) == (True, "000004", [])
    assert serving(grown) == ("000004", 18)


def test_a_run_that_changes_nothing_does_not_undo_a_rollback(grown: Job) -> None:
    rollback(grown.index)
    assert grown().problems
    assert serving(grown) == ("000002", 16)


def test_what_was_rolled_back_to_and_then_rots_is_published_anew(grown: Job) -> None:
    rollback(grown.index)
    flip(current(grown.index) / "photos.sqlite", 0.5)
    report = grown()
    assert (report.published, report.problems) == (True, [])
    assert serving(grown) == ("000004", 17)


def test_a_rollback_passes_over_what_is_damaged(grown: Job) -> None:
    flip(grown.index / "generations" / "000002" / "index.faiss", 0.5)
    assert rollback(grown.index) == ("000003", "000001")
    with pytest.raises(NoIndex, match="no intact generation before 000001"):
        rollback(grown.index)
    assert serving(grown) == ("000001", 15)


def test_a_rollback_helps_where_the_pointer_is_lost(grown: Job) -> None:
    (grown.index / "CURRENT").write_text("?")
    assert rollback(grown.index)[1] == "000003"
    assert serving(grown) == ("000003", 17)


def test_pruning_counts_what_is_served(grown: Job) -> None:
    assert prune(grown.index, 3) == []
    rollback(grown.index)
    assert prune(grown.index, 2) == ["000001"]
    assert [path.name for path in generations(grown.index)] == ["000003", "000002"]
    assert prune(grown.index, 1) == ["000003"]
    assert serving(grown) == ("000002", 16)
    assert grown(keep=1).problems


def test_half_removed_generations_are_cleared_away(grown: Job, library: Path) -> None:
    (grown.index / "generations" / "000001").rename(grown.index / "generations" / "000001.tmp")
    (grown.index / "generations" / "000003" / "manifest.json").unlink()
    assert serving_after_damage(grown) == 16
    assert grown().generation == "000004"
    assert not list((grown.index / "generations").glob("*.tmp"))


def serving_after_damage(job: Job) -> int:
    published = Published.open(job.index, job.encoder.fingerprint)
    assert published.refused[0].generation == "000003"
    return len(published)


def test_status_tells_what_is_served(grown: Job) -> None:
    found = status(grown.index)
    assert (found.generation, found.photos, found.generations) == (
        "000003",
        17,
        ("000003", "000002", "000001"),
    )
    assert (found.model, found.index_type, found.recall) == ("lite", "flat-fp16", 1.0)
    assert (found.problems, found.running) == ((), False)
    assert all(found.size[name] > 0 for name in ("generations", "vectors", "thumbnails"))
    assert found.last_run is not None
    assert found.published is not None
    assert found.last_run >= found.published
    with writing(grown.index):
        assert status(grown.index).running
    flip(current(grown.index) / "photos.sqlite", 0.5)
    found = status(grown.index)
    assert (found.generation, found.photos) == ("000002", 16)
    assert "photos.sqlite: not the file that was published" in found.problems[0]
    rollback(grown.index)
    assert "rolled back from 000003" in status(grown.index).problems[0]
    shutil.rmtree(grown.index / "generations")
    found = status(grown.index)
    assert (found.generation, found.photos, found.size["generations"]) == (None, 0, 0)
    with pytest.raises(NoIndex):
        status(grown.index / "none")


def test_the_kind_of_index_is_kept(job: Job, library: Path) -> None:
    job(library)
    report = job(index_type="hnsw")
    assert (report.published, report.embedded) == (True, 0)
    assert not job(index_type="hnsw").published
    picture("mug", 30).save(library / "new.png")
    job()
    manifest = read_manifest(current(job.index))
    assert (manifest.index_type, manifest.store, manifest.photos) == ("hnsw", "hnsw-fp16", 16)
    assert manifest.recall >= 0.99
    assert job(index_type="auto").published
    assert read_manifest(current(job.index)).store == "flat-fp16"
    assert job(forget=[library], index_type="hnsw").photos == 0


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
@pytest.mark.parametrize("limit", [4096, 12_000, 20_000])
def test_a_disk_that_is_full_while_publishing(grown: Job, kind: str, limit: int) -> None:
    """The limit on file sizes stands for it: the same system calls fail. The old generation goes on serving."""
    if kind == "flat":
        grown(index_type="ivf")
    before = serving(grown)
    with no_file_beyond(limit), pytest.raises(IndexProblem) as refused:
        grown(index_type=kind)
    assert len(str(refused.value).splitlines()) == 1
    assert serving(grown) == before
    assert not list((grown.index / "generations").glob("*.tmp"))
    assert grown(index_type=kind).published


@contextmanager
def no_file_beyond(limit: int) -> Iterator[None]:
    """For all of this process; Python ignores the signal that comes with it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "part",
    ["generations.writer._write_photos", "stores.embedded.FaissBackend.build", "generations.writer.fold"],
)
def test_a_folder_that_may_not_be_written(grown: Job, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "somewhere")

    before = serving(grown)
    with monkeypatch.context() as patched:
        patched.setattr(f"indexer.{part}", refuse)
        with pytest.raises(IndexProblem, match="Permission denied; fix this"):
            grown(index_type="hnsw")
    assert serving(grown) == before
    assert grown(index_type="hnsw").published


def test_a_read_only_index_is_still_searched(grown: Job) -> None:
    for path in [grown.index, *grown.index.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert serving(grown) == ("000003", 17)
        assert status(grown.index).problems == ()
        with unprivileged(), pytest.raises(IndexProblem, match="Permission denied; fix this"):
            grown()
    finally:
        for path in [grown.index, *grown.index.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_opening_and_closing_leaves_nothing_open(grown: Job) -> None:
    Published.open(grown.index, grown.encoder.fingerprint).close()
    before = _descriptors()
    for _ in range(50):
        Published.open(grown.index, grown.encoder.fingerprint).close()
    assert _descriptors() <= before


def _descriptors() -> int:
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0
