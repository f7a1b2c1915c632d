"""Published indexes that are damaged, rotten or of another model: refused, and what is intact serves."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer import BrokenGeneration, Filter, NoIndex, Published
from indexer.generations.generation import current
from indexer.generations.manifest import Manifest, describe, read_manifest, seal_manifest
from indexer.generations.photos import Photos, PhotosWriter
from indexer.stores.biased import BiasedStore
from indexer.stores.faiss import extend
from indexer.stores.faiss.build import build
from indexer.stores.faiss.layers import LayeredStore
from tests.kit.damage import flip
from tests.kit.jobs import Job
from tests.kit.shapes import picture
from tests.kit.vectors import source, vectors


def test_a_damaged_large_index_is_not_taken_over(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extend, "REBUILD_AT", 0.5)
    job(library, index_type="hnsw")
    flip(current(job.index) / "index.faiss", 0.5)
    picture("mug", 8).save(library / "new.png")
    job()
    assert Published.open(job.index, job.encoder.fingerprint).refused == ()
    assert "dead.i64" not in read_manifest(current(job.index)).files


def test_any_flipped_byte_is_refused_and_the_last_good_generation_serves(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(extend, "REBUILD_AT", 0.5)
    job(library, index_type="hnsw")
    picture("mug", 8).save(library / "new.png")
    job()
    newest = current(job.index)
    names = {path.name for path in newest.iterdir()}
    assert names == {
        "manifest.json", "index.faiss", "fresh.faiss", "dead.i64", "photos.sqlite", "parts.u8", "parts.i64"
    }  # fmt: skip
    # Nothing was deleted, so this one file has no bytes to flip; it can only go or grow.
    (newest / "dead.i64").write_bytes(bytes(8))
    assert _refused(job, newest) == "000002"
    (newest / "dead.i64").write_bytes(b"")
    for name in names - {"dead.i64"}:
        whole = (newest / name).read_bytes()
        for where in (0.0, 0.01, 0.3, 0.5, 0.77, 1.0):
            flip(newest / name, where)
            caplog.clear()
            assert _refused(job, newest) == "000002", (name, where)
            assert "serving generation 000001" in caplog.text
            (newest / name).write_bytes(whole)
        (newest / name).unlink()
        assert _refused(job, newest) == "000002"
        (newest / name).write_bytes(whole)
    assert Published.open(job.index, job.encoder.fingerprint).refused == ()


def _refused(job: Job, newest: Path) -> str:
    published = Published.open(job.index, job.encoder.fingerprint)
    assert (published.manifest.generation, len(published)) == ("000001", 15)
    assert published.identity
    (refused,) = published.refused
    assert str(newest) in refused.reason
    with pytest.raises(BrokenGeneration):
        Published.open(job.index, job.encoder.fingerprint, fall_back=False)
    return refused.generation


@pytest.mark.parametrize("text", ["", "000009\n", "none", "\x00\x00", "0000 1"])
def test_a_pointer_that_rotted(job: Job, library: Path, text: str) -> None:
    job(library)
    (job.index / "CURRENT").write_text(text)
    published = Published.open(job.index, job.encoder.fingerprint)
    assert (len(published), len(published.refused)) == (15, 1)
    (job.index / "CURRENT").write_bytes(b"\xff\xfe000001")
    assert len(Published.open(job.index, job.encoder.fingerprint)) == 15


def test_with_nothing_intact_the_first_reason_is_told(job: Job, library: Path) -> None:
    job(library)
    picture("mug", 8).save(library / "new.png")
    job()
    for folder in (job.index / "generations").iterdir():
        flip(folder / "photos.sqlite", 0.4)
    with pytest.raises(BrokenGeneration, match=r"000002.*photos\.sqlite"):
        Published.open(job.index, job.encoder.fingerprint)
    shutil.rmtree(job.index / "generations")
    with pytest.raises(BrokenGeneration):
        Published.open(job.index, job.encoder.fingerprint)
    shutil.rmtree(job.index)
    with pytest.raises(NoIndex):
        Published.open(job.index, job.encoder.fingerprint)


def test_an_older_generation_of_another_model_is_no_way_out(job: Job, library: Path) -> None:
    job(library)
    older = current(job.index)
    (older / "manifest.json").write_bytes(
        seal_manifest(replace(read_manifest(older), fingerprint="0" * 16, files=describe_files(older)))
    )
    job(library)
    flip(current(job.index) / "index.faiss", 0.5)
    with pytest.raises(BrokenGeneration, match="000002"):
        Published.open(job.index, job.encoder.fingerprint)


def describe_files(folder: Path) -> dict[str, object]:
    return {name: file for name, file in describe(folder).items() if name != "manifest.json"}  # type: ignore[misc]


def test_a_million_photos_are_filtered_by_an_index(tmp_path: Path) -> None:
    """Not their number is the subject: that SQLite searches its indexes instead of reading every row."""
    writer = PhotosWriter(tmp_path / "photos.sqlite")
    taken = (f"20{n % 90:02d}-01-01" for n in range(5000))
    writer.add(
        (n, "/r", f"{n % 7}/{n}.jpg", "c", 1, 1, when, None, None, None, None, when)
        for n, when in enumerate(taken)
    )
    writer.finish()
    photos = Photos(tmp_path / "photos.sqlite")
    for where in (Filter(folder="3"), Filter(after="2012", before="2013"), Filter(camera="none")):
        said: list[str] = []
        photos._db.set_trace_callback(said.append)
        ids = photos.matching(where)
        photos._db.set_trace_callback(None)
        plan = " ".join(str(row) for row in photos._db.execute(f"EXPLAIN QUERY PLAN {said[-1]}"))
        assert "USING" in plan, plan
        assert len(ids) == {"3": 714}.get(where.folder or "", 0 if where.camera else 56)
        assert ids.dtype == np.int64
    photos.close()


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_a_score_is_a_number(tmp_path: Path, odd: float) -> None:
    """Of a vector that is damaged the score is none; the photo costs itself, and no other."""
    count, wrong = 300, (3, 7, 250)
    rows, ids = vectors(count, 1), np.arange(1, count + 1)
    rows[list(wrong), 5] = odd
    built = build(tmp_path / "index.faiss", source(ids, rows), "flat")
    writer = PhotosWriter(tmp_path / "photos.sqlite")
    writer.add((n, "/r", f"{n % 2}/{n}.jpg", str(n), 1, 1, *[None] * 6) for n in ids.tolist())
    writer.finish()
    plain, photos = LayeredStore.open(tmp_path, built.effort), Photos(tmp_path / "photos.sqlite")
    store = BiasedStore(plain, rows.shape[1], biased=False)
    opened = Published(
        tmp_path, Manifest(2, "000001", "", "m", "f", 16, built.kind, count, 1, {}), store, photos
    )
    for query in vectors(20, 2):
        for wishes in ({}, {"fold_duplicates": True}, {"where": Filter(folder="0")}, {"min_score": -1.0}):
            hits = opened.search(query, 100, **wishes)
            assert all(np.isfinite(hit.score) for hit in hits)
            assert {hit.photo.id for hit in hits}.isdisjoint(number + 1 for number in wrong)
            assert len(hits) > 90
    photos.close()
