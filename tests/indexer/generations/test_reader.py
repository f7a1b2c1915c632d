"""Searching what was published: filters, pages, folding, vectors by id; and serving what is left when bytes rot."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from indexer import BrokenGeneration, Filter, Hit, NoIndex, Published
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.generations.generation import current
from indexer.generations.manifest import Manifest, describe, read_manifest, seal_manifest
from indexer.generations.photos import Photos, PhotosWriter
from indexer.stores.faiss import extend
from indexer.stores.faiss.build import build
from indexer.stores.faiss.layers import LayeredStore
from tests.kit.damage import flip
from tests.kit.jobs import Job
from tests.kit.shapes import THINGS, drawing, picture
from tests.kit.vectors import source, vectors

YEARS = {thing: 2019 + number for number, thing in enumerate(THINGS)}


def described(entry: Entry) -> Entry:
    """Photos of the library as cameras would have described them: a year for each thing, two cameras, one unknown."""
    thing, name = entry.relative.split("/")
    number = int(name.split(".")[0].split()[-1])
    taken = f"{YEARS[thing]}-07-0{number + 1}T12:00:00" if number < 2 else None
    camera = ("NIKON D70", "Pixel 8", None)[number % 3]
    return entry._replace(taken=taken, camera=camera)


@pytest.fixture
def published(job: Job, library: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    entries = Catalogue.entries
    monkeypatch.setattr(Catalogue, "entries", lambda *arguments: map(described, entries(*arguments)))
    job(library)
    return Published.open(job.index, job.encoder.fingerprint)


def found(published: Published, job: Job, where: Filter, k: int = 100) -> list[str]:
    hits = published.search(job.encoder.sketches([drawing("star")]), k, where=where)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(hits) == min(k, published.count(where))
    return sorted(hit.photo.relative for hit in hits)


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (Filter(), [f"{thing}/{thing} {n}.jpg" for thing in THINGS for n in range(3)]),
        (Filter(folder="fish"), ["fish/fish 0.jpg", "fish/fish 1.jpg", "fish/fish 2.jpg"]),
        (Filter(folder="./fish/"), ["fish/fish 0.jpg", "fish/fish 1.jpg", "fish/fish 2.jpg"]),
        (Filter(folder="fis"), []),
        (Filter(folder="fish/fish 0.jpg"), []),
        (Filter(after="2020", before="2021"), ["fish/fish 0.jpg", "fish/fish 1.jpg"]),
        (Filter(after="2020-07-02", before="2021-07-02"), ["fish/fish 1.jpg", "house/house 0.jpg"]),
        (Filter(camera="pixel 8"), [f"{thing}/{thing} 1.jpg" for thing in THINGS]),
        (Filter(camera="pixel 8", folder="mug", after="2000"), ["mug/mug 1.jpg"]),
        (Filter(camera="' OR 1=1 --"), []),
    ],
)
def test_filters(published: Published, job: Job, where: Filter, names: list[str]) -> None:
    assert found(published, job, where) == sorted(names)
    assert found(published, job, where, 2) == sorted(found(published, job, where, 2))


def test_an_absolute_folder(published: Published, job: Job, library: Path, tmp_path: Path) -> None:
    assert len(found(published, job, Filter(folder=str(library)))) == 15
    assert len(found(published, job, Filter(folder=str(tmp_path)))) == 15
    assert found(published, job, Filter(folder=f"{library}/mug")) == [f"mug/mug {n}.jpg" for n in range(3)]
    assert found(published, job, Filter(folder=f"{library}/mug"[:-1])) == []
    assert found(published, job, Filter(folder="/nowhere")) == []


def test_pages_follow_one_another(published: Published, job: Job) -> None:
    query = job.encoder.sketches([drawing("mug")])
    whole = published.search(query, 15)
    pages = [hit for offset in range(0, 20, 4) for hit in published.search(query, 4, offset=offset)]
    assert pages == whole
    least = whole[5].score
    assert published.search(query, 15, min_score=least) == whole[:6]
    assert published.search(query, 15, offset=4, min_score=least) == whole[4:6]
    assert published.search(query, 15, min_score=1.1) == []


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_near_duplicates_are_folded_on_request(
    job: Job, library: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extend, "REBUILD_AT", 0.5)
    # Unlike all else there is: which of several near-duplicates stands for a group depends on their ids.
    fractal = Image.effect_mandelbrot((400, 300), (-2, -1.5, 1, 1.5), 100)
    alone = fractal.filter(ImageFilter.GaussianBlur(4)).convert("RGB")
    alone.save(library / "alone.png")
    for number in range(4):
        shutil.copy(library / "alone.png", library / f"copy {number}.png")
    alone.resize((380, 285)).save(library / "smaller.png")
    job(library, index_type=kind)
    for late in (False, True):
        if late:
            alone.resize((390, 292)).save(library / "later.png")
            job(library)
        published = Published.open(job.index, job.encoder.fingerprint)
        query = job.encoder.photos([alone])
        hits = published.search(query, 15, fold_duplicates=True)
        alike = {"alone.png", *(f"copy {n}.png" for n in range(4)), "smaller.png"}
        alike |= {"later.png"} if late else set()
        group = published.duplicates(hits[0].photo)
        assert {photo.relative for photo in group} == alike
        assert {photo.group for photo in group} == {hits[0].photo.group}
        every = published.search(query, 30)
        assert (len(every), hits[0].folded) == (len(published), len(alike) - 1)
        # Some of the drawn pictures are near-duplicates of one another as well; of which depends on who came first.
        assert [hit.photo.content for hit in hits] == _contents_of_each_group(every)[:15]
        if kind == "flat":  # a graph may find equals in another order when it is asked for fewer
            assert published.search(query, 5, offset=1, fold_duplicates=True) == hits[1:6]
            for k in (1, 2, 5):
                assert published.search(query, k, fold_duplicates=True) == hits[:k]


def _contents_of_each_group(hits: list[Hit]) -> list[str]:
    """Of the best in each; there may be exact copies of it."""
    first: dict[int, str] = {}
    for hit in hits:
        first.setdefault(hit.photo.group, hit.photo.content)
    return list(first.values())


def test_the_vector_of_a_photo_finds_it(published: Published, job: Job) -> None:
    photo = published.search(job.encoder.sketches([drawing("fish")]), 3)[2].photo
    vector = published.vector(photo.public_id)
    assert vector is not None
    assert vector.shape == (1, 512)
    best = published.search(vector, 1)[0]
    assert (best.photo, round(best.score, 2)) == (photo, 1.0)
    assert published.vector("0" * 16) is None


@pytest.mark.parametrize("kind", ["hnsw", "flat"])
def test_a_small_change_reuses_a_large_index(
    job: Job, library: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added, changed, deleted and back again, over several generations; after each, what is found is what is there."""
    monkeypatch.setattr(extend, "REBUILD_AT", 0.5)
    job(library, index_type=kind)
    first = read_manifest(current(job.index))

    def check(reused: bool) -> None:
        job()
        manifest = read_manifest(current(job.index))
        assert (manifest.store, manifest.index_type) == (f"{kind}-fp16", kind)
        same = manifest.files["index.faiss"] == first.files["index.faiss"]
        assert (same, "dead.i64" in manifest.files) == (
            (reused, reused) if kind == "hnsw" else (False, False)
        )
        opened = Published.open(job.index, job.encoder.fingerprint)
        hits = opened.search(job.encoder.sketches([drawing("star")]), 100)
        there = {p.relative_to(library).as_posix(): p for p in library.rglob("*.*")}
        assert {hit.photo.relative for hit in hits} == set(there)
        for hit in hits:
            stored = opened.vector(hit.photo.public_id)
            own = job.encoder.photos([_open(there[hit.photo.relative])])
            assert stored is not None
            assert float((stored @ own.T)[0, 0]) > 0.99, hit.photo.relative

    (library / "fish" / "fish 1.jpg").unlink()
    check(True)
    picture("mug", 7).save(library / "star" / "star 0.jpg", quality=90)
    picture("mug", 8).save(library / "new.png")
    check(True)
    picture("star", 9).save(library / "star" / "star 0.jpg", quality=90)
    (library / "new.png").unlink()
    check(True)
    for path in library.glob("house/*"):
        path.unlink()
    for seed in range(6):
        picture("banana", 40 + seed).save(library / f"{seed}.png")
    check(False)


def _open(path: Path) -> object:
    from model import decode

    return decode(path, shortest=224).image


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
    assert names == {"manifest.json", "index.faiss", "fresh.faiss", "dead.i64", "photos.sqlite"}
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
            assert "serving generation 000001 instead" in caplog.text
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
        (n, "/r", f"{n % 7}/{n}.jpg", "c", 1, 1, when, None, None, None) for n, when in enumerate(taken)
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
    writer.add((n, "/r", f"{n % 2}/{n}.jpg", str(n), 1, 1, None, None, None, None) for n in ids.tolist())
    writer.finish()
    store, photos = LayeredStore.open(tmp_path, built.effort), Photos(tmp_path / "photos.sqlite")
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
