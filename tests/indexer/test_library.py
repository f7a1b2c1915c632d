"""What every shelf and its libraries promise, for each kind of address in SHELVES."""

import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest

from indexer import (
    BrokenGeneration,
    Filter,
    IndexBusy,
    IndexProblem,
    NoIndex,
    Shelf,
    Silent,
    StoreUnavailable,
    WrongModel,
    merge,
    run,
    shelf,
)
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.collection import Collection
from indexer.generations.manifest import Manifest, seal_manifest
from indexer.library import SHELVES
from indexer.remote.shelf import RemoteShelf
from indexer.shards.shard import Origin
from model.modality import Vectors, unit
from tests.kit.jobs import describe_photos
from tests.kit.remote import wipe
from tests.kit.standin import DIMENSION, InThread, StandIn, write_photo

# A place where nothing lies yet, for each kind of address: given a folder, and what starts a server.
Fixture = Callable[[str], Any]
ADDRESSES: dict[str, Callable[[Path, Fixture], str]] = {
    "file": lambda folder, _: (folder / "shelf").as_uri(),
    "milvus": lambda folder, fixture: fixture("milvus_server").address(f"l{secrets.token_hex(8)}"),
    "milvus+lite": lambda folder, _: f"milvus+lite://{folder}/shelf/milvus.db/library",
    "postgresql": lambda _, fixture: fixture("postgres_address").replace("?", "/library?"),
}
# Tested where the certificates are.
ELSEWHERE = {"milvus+tls", "postgresql+tls"}
SLOW = ("milvus",)
ORIGIN = Origin("stand-in", StandIn().fingerprint, DIMENSION)
NAMES = [
    f"{folder}/{n}.png"
    for folder in ("a", "a b", "a/deep", "50%_off", "mu\u0308ll", "o'neil")
    for n in range(5)
]
CAMERAS = ("NIKON D70", "Pixel 8", "A'B\\C", None)


def test_each_kind_of_address_is_tested() -> None:
    assert set(ADDRESSES) | ELSEWHERE == set(SHELVES)


def described(entry: Entry) -> Entry:
    """Years and cameras, which the pictures do not have."""
    number = NAMES.index(entry.relative) if entry.relative in NAMES else 0
    taken = None if number % 5 == 4 else f"{2015 + number % 7}-0{1 + number % 9}-11T10:00:00"
    moment = taken or (None if number % 3 else "2019-05-05T05:05:05")
    return entry._replace(taken=taken, camera=CAMERAS[number % 4], moment=moment)


@dataclass
class Work:
    """The folder where the indexer works, and its photos; `publish` puts what it knows on a shelf."""

    folder: Path
    photos: Path
    known: dict[int, tuple[Entry, np.ndarray]] = field(default_factory=dict)

    def write(self, name: str, seed: int) -> None:
        write_photo(self.photos / name, seed)

    def publish(self, to: Shelf, index_type: str | None = None) -> str:
        run(self.folder, [self.photos], StandIn(), Silent(), accept_deletions=True)  # type: ignore[arg-type]
        with Catalogue(self.folder / "catalogue.sqlite", read_only=True) as catalogue:
            collection = Collection(self.folder, ORIGIN, catalogue)
            entries = {entry.id: entry for entry in catalogue.entries(ORIGIN.fingerprint)}
            vectors = collection.vectors(collection.places()).batches()
            rows = {int(one): row for ids, rows in vectors for one, row in zip(ids, rows, strict=True)}
            self.known = {number: (entry, rows[number]) for number, entry in entries.items()}
            with to.writing():
                return to.publish(collection, index_type=index_type).generation

    def exact(self, query: Vectors, passes: Callable[[Entry], bool]) -> list[tuple[float, str]]:
        """Score and path of all that pass, best first."""
        scored = (
            (float(query[0] @ row), entry.relative) for entry, row in self.known.values() if passes(entry)
        )
        return sorted(scored, reverse=True)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    describe_photos(monkeypatch, described)
    made = Work(tmp_path / "work", tmp_path / "photos")
    for seed, name in enumerate(NAMES):
        made.write(name, seed)
    return made


@pytest.fixture(
    params=[pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in ADDRESSES]
)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "shelf").mkdir()
    kept_on = shelf(ADDRESSES[request.param](tmp_path, request.getfixturevalue))
    if isinstance(kept_on, RemoteShelf):
        # Older generations stay ready for their readers.
        kept_on.grace = None
    yield kept_on
    if isinstance(kept_on, RemoteShelf):
        wipe(kept_on)


def queries(count: int) -> Sequence[Vectors]:
    return [
        unit(np.random.default_rng(seed).standard_normal((1, DIMENSION)).astype(np.float32))
        for seed in range(count)
    ]


def below(folder: str) -> Callable[[Entry], bool]:
    return lambda entry: normalize("NFC", entry.relative).startswith(normalize("NFC", folder) + "/")


FILTERS: list[tuple[Filter | None, Callable[[Entry], bool]]] = [
    (None, lambda _: True),
    (Filter(), lambda _: True),
    (Filter(folder="a"), below("a")),
    (Filter(folder="50%_off"), below("50%_off")),
    (Filter(folder="m\u00fcll"), below("m\u00fcll")),
    (Filter(folder="o'neil"), below("o'neil")),
    (Filter(folder="nowhere"), lambda _: False),
    (Filter(folder="\\"), lambda _: False),
    (Filter(after="2017", before="2019"), lambda one: one.taken is not None and "2017" <= one.taken < "2019"),
    (Filter(camera="pixel 8"), lambda one: one.camera == "Pixel 8"),
    (Filter(camera="PIX"), lambda one: one.camera == "Pixel 8"),
    (Filter(camera="a'b\\c", folder="a b"), lambda one: one.camera == "A'B\\C" and below("a b")(one)),
]


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_hits_are_those_of_an_exact_search(work: Work, empty: Shelf, index_type: str) -> None:
    work.publish(empty, index_type)
    opened = empty.open(ORIGIN.fingerprint)
    assert (len(opened), opened.count(), opened.device, opened.refused) == (30, 30, "cpu", ())
    assert opened.roots() == [work.photos]
    for query in queries(2):
        for where, passes in FILTERS:
            truth = work.exact(query, passes)
            assert opened.count(where) == len(truth)
            middle = truth[len(truth) // 2][0] - 1e-3 if truth else 0.0
            for least in (None, middle, 1.1):
                good = [one for one in truth if least is None or one[0] >= least]
                for offset in (0, 3, 50):
                    hits = opened.search(query, 7, offset=offset, where=where, min_score=least)
                    wanted = good[offset : offset + 7]
                    assert [hit.photo.relative for hit in hits] == [name for _, name in wanted]
                    assert np.allclose([hit.score for hit in hits], [score for score, _ in wanted], atol=2e-3)
    opened.close()


def test_photos_and_their_vectors_by_id(work: Work, empty: Shelf) -> None:
    work.publish(empty)
    opened = empty.open(ORIGIN.fingerprint)
    hits = opened.search(queries(1)[0], 5)
    assert np.allclose(
        opened.vectors(np.array([hit.photo.id for hit in hits])),
        [work.known[hit.photo.id][1] for hit in hits],
        atol=1e-3,
    )
    for hit in hits:
        assert opened.photo(hit.photo.public_id) == hit.photo
        entry, row = work.known[hit.photo.id]
        assert (hit.photo.relative, hit.photo.taken, hit.photo.camera) == (
            entry.relative,
            entry.taken,
            entry.camera,
        )
        vector = opened.vector(hit.photo.public_id)
        assert vector is not None
        assert np.allclose(vector, row[None], atol=1e-3)
    for unknown in ("", "0" * 16, "f" * 16, "no id", hits[0].photo.public_id.upper() + " "):
        assert opened.photo(unknown) is None
        assert opened.vector(unknown) is None
    opened.close()


def test_what_is_folded_does_not_depend_on_how_many_are_asked_for(work: Work, empty: Shelf) -> None:
    """Copies of one photo in three folders, and of another in two."""
    for copy, name in (("a/copy.png", NAMES[3]), ("a b/copy.png", NAMES[3]), ("copy.png", NAMES[17])):
        (work.photos / copy).write_bytes((work.photos / name).read_bytes())
    work.publish(empty)
    opened = empty.open(ORIGIN.fingerprint)
    for where in (None, Filter(folder="a"), Filter(folder="a b")):
        for query in queries(2):
            whole = opened.search(query, 99, where=where, fold_duplicates=True)
            assert sum(1 + hit.folded for hit in whole) == opened.count(where)
            for k, offset in ((1, 0), (1, 2), (4, 1), (9, 0), (30, 5)):
                hits = opened.search(query, k, offset=offset, where=where, fold_duplicates=True)
                assert hits == whole[offset : offset + k]
            for hit in whole:
                group = {photo.public_id for photo in opened.duplicates(hit.photo)}
                assert {*hit.duplicates, hit.photo.public_id} <= group
    opened.close()


def newest_first(work: Work, passes: Callable[[Entry], bool]) -> list[Entry]:
    entries = sorted((entry for entry, _ in work.known.values()), key=lambda one: one.relative)
    return [one for one in sorted(entries, key=lambda one: one.moment or "", reverse=True) if passes(one)]


def test_photos_are_listed_by_month_and_page_whatever_the_filter(work: Work, empty: Shelf) -> None:
    work.publish(empty)
    opened = empty.open(ORIGIN.fingerprint)
    marked = frozenset(entry.content for entry, _ in list(work.known.values())[::4])
    filters = [
        *FILTERS,
        (Filter(folder=str(work.photos / "a")), below("a")),
        (Filter(only=marked), lambda one: one.content in marked),
        (Filter(without=marked), lambda one: one.content not in marked),
        (Filter(folder="a", only=marked), lambda one: one.content in marked and below("a")(one)),
        (Filter(only=frozenset()), lambda _: False),
    ]
    for where, passes in filters:
        wanted = [one.relative for one in newest_first(work, passes)]
        months = Counter((one.moment or "")[:7] for one in newest_first(work, passes))
        timeline = opened.timeline(where)
        assert [(one.month, one.photos) for one in timeline] == list(months.items())
        assert opened.count(where) == len(wanted)
        for k in (1, 7, 500) if where is None else (4, 500):
            pages = [opened.listing(where, offset=offset, k=k) for offset in range(0, len(wanted) + k, k)]
            assert [photo.relative for page in pages for photo in page] == wanted
        in_months = [photo.relative for one in timeline for photo in opened.listing(where, month=one.month)]
        assert in_months == wanted
        found = opened.search(queries(1)[0], 99, where=where, fold_duplicates=True)
        assert {hit.photo.relative for hit in found} <= set(wanted)
        assert sum(1 + hit.folded for hit in found) == len(wanted)
    assert opened.listing(month="1999-01") == []
    opened.close()


def test_facets_count_what_filters_match(work: Work, empty: Shelf) -> None:
    work.publish(empty)
    opened = empty.open(ORIGIN.fingerprint)
    for hidden in (0, 9):
        without = frozenset(entry.content for entry, _ in list(work.known.values())[:hidden])
        facets, where = opened.facets(without), Filter(without=without)
        assert set(facets.folders) <= {"a", "a b", "a/deep", "50%_off", "mu\u0308ll", "o'neil"}
        for folder, photos in facets.folders.items():
            assert opened.count(replace(where, folder=folder)) == photos > 0
        for camera, photos in facets.cameras.items():
            assert opened.count(replace(where, camera=camera)) == photos > 0
        for year, photos in facets.years.items():
            wanted = replace(where, after=year, before=str(int(year) + 1))
            assert opened.count(wanted) == photos > 0
        assert list(facets.years) == sorted(facets.years, reverse=True)
        assert opened.count(where) == 30 - hidden
    opened.close()


def test_generations_come_and_go_under_a_reader(work: Work, empty: Shelf) -> None:
    with pytest.raises(NoIndex):
        empty.current()
    assert (empty.generations(), empty.held()) == ([], None)
    first = work.publish(empty)
    assert (empty.current(), empty.generations(), empty.verify(first)) == (first, [first], [])
    reader = empty.open(ORIGIN.fingerprint)
    assert (reader.manifest.generation, reader.identity) == (first, empty.identity())
    seen, query = empty.glance(), queries(1)[0]
    assert seen == empty.glance()
    before = reader.search(query, 99)

    work.write("new.png", 500)
    second = work.publish(empty)
    assert (empty.current(), empty.generations()) == (second, [second, first])
    assert empty.glance() != seen
    assert empty.identity() != reader.identity
    assert (len(reader), reader.search(query, 99)) == (30, before)
    assert len(empty.open(ORIGIN.fingerprint)) == 31

    with empty.writing():
        assert empty.rollback() == (second, first)
    assert (empty.current(), second in str(empty.held())) == (first, True)
    assert empty.identity() == reader.identity
    with empty.writing(), pytest.raises(NoIndex, match="no intact generation before"):
        empty.rollback()
    with empty.writing():
        assert empty.release() == first
    assert empty.held() is None

    work.write("newer.png", 501)
    third = work.publish(empty)
    assert third not in (first, second)
    with empty.writing():
        assert empty.prune(2) == [first]
        assert empty.prune(2) == []
    assert empty.generations() == [third, second]
    if isinstance(empty, RemoteShelf):
        # A server keeps nothing for those who still read what was removed.
        with pytest.raises(StoreUnavailable):
            reader.search(query, 99)
    else:
        assert (len(reader), reader.search(query, 99)) == (30, before)
    reader.release()
    reader.close()
    with empty.writing():
        empty.remove(second)
    assert empty.generations() == [third]
    assert empty.manifest(third).photos == 32


def test_a_publication_that_fails_leaves_what_was_there(
    work: Work, empty: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work.publish(empty)
    work.write("new.png", 500)

    def fail(_: Collection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(Collection, "signatures", fail)
        with pytest.raises((sqlite3.Error, IndexProblem), match="disk I/O error"):
            work.publish(empty)
    assert (empty.current(), empty.generations(), empty.verify(first)) == (first, [first], [])
    assert len(empty.open(ORIGIN.fingerprint)) == 30


def test_one_writer(empty: Shelf, work: Work) -> None:
    work.publish(empty)
    with empty.writing(), pytest.raises(IndexBusy), empty.writing():
        pass


def test_another_model_is_refused(work: Work, empty: Shelf) -> None:
    work.publish(empty)
    with pytest.raises(WrongModel, match="another model"):
        empty.open("0" * 16)


def test_an_address_of_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(IndexProblem) as refused:
        shelf("annoy://somebody:secret@host/photos")
    assert str(refused.value).startswith("unknown kind of index address 'annoy'; known: file")
    assert ("secret" in str(refused.value), "\n" in str(refused.value)) == (False, False)
    for address in (tmp_path, str(tmp_path), tmp_path.as_uri()):
        with pytest.raises(NoIndex, match=str(tmp_path)):
            shelf(address).current()


def test_an_unknown_index_type_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    for work in (
        lambda: run(tmp_path / "index", [tmp_path], StandIn(), Silent(), index_type="annoy"),
        lambda: merge(tmp_path / "index", [tmp_path], Silent(), index_type="annoy"),
    ):
        with pytest.raises(
            IndexProblem, match="unknown index type 'annoy'; known: auto, flat, codes, hnsw, ivf"
        ):
            work()
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_that_names_an_unknown_store(
    work: Work, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An older generation serves instead, as with any other that cannot be opened."""
    kept_on = shelf(tmp_path / "work")
    work.publish(kept_on)
    path = tmp_path / "work" / "generations"
    work.write("new.png", 500)
    work.publish(kept_on)
    newest = kept_on.current()
    manifest = kept_on.manifest(newest)
    assert isinstance(manifest, Manifest)
    (path / newest / "manifest.json").write_bytes(seal_manifest(replace(manifest, store="annoy:trees")))
    (said,) = kept_on.verify(newest)
    assert said.startswith(
        f"{path / newest / 'manifest.json'}: unknown store 'annoy:trees'; known: flat-fp16, "
    )
    opened = kept_on.open(ORIGIN.fingerprint)
    assert opened.manifest.generation != newest
    assert "unknown store 'annoy:trees'" in opened.refused[0].reason
    with pytest.raises(BrokenGeneration, match="unknown store"):
        kept_on.open(ORIGIN.fingerprint, fall_back=False)
