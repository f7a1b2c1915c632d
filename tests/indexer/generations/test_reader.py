"""Searching what was published: filters, pages, folding, vectors by id; and serving what is left when bytes rot."""

import shutil
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageFilter

from indexer import Filter, Published
from indexer.catalogue.records import Entry
from indexer.generations.generation import current
from indexer.generations.manifest import read_manifest
from indexer.stores.faiss import extend
from tests.kit.jobs import Job, describe_photos
from tests.kit.shapes import THINGS, drawing, picture

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
    describe_photos(monkeypatch, described)
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
        assert [hit.photo.group for hit in hits] == list(dict.fromkeys(hit.photo.group for hit in every))[:15]
        assert hits[0].photo.relative == "alone.png"
        if kind == "flat":  # a graph may find equals in another order when it is asked for fewer
            assert published.search(query, 5, offset=1, fold_duplicates=True) == hits[1:6]
            for k in (1, 2, 5):
                assert published.search(query, k, fold_duplicates=True) == hits[:k]


def test_the_original_stands_for_its_copies(job: Job, library: Path) -> None:
    """Even where a copy, smaller or compressed again, is nearer to the query."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:07:04 18:02:11"
    original = picture("mug", seed=77, size=640)
    original.save(library / "z original.jpg", quality=95, exif=exif)
    (library / "copies").mkdir()
    original.save(library / "copies" / "again.jpg", quality=60)
    original.resize((480, 480)).save(library / "copies" / "small.jpg")
    job(library)
    published = Published.open(job.index, job.encoder.fingerprint)
    for name in ("again.jpg", "small.jpg"):
        with Image.open(library / "copies" / name) as copy:
            best = published.search(job.encoder.photos([copy.convert("RGB")]), 1, fold_duplicates=True)[0]
        assert (best.photo.relative, best.folded) == ("z original.jpg", 2)
        assert best.score > 0.99
    within = Filter(folder="copies")
    among = published.search(job.encoder.photos([original]), 1, where=within, fold_duplicates=True)[0]
    assert (among.photo.relative, among.folded) == ("copies/again.jpg", 1)


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
