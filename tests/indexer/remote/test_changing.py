"""A live library answers as one that was written whole, whatever changed, and only what changed is sent."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import BrokenGeneration, IndexProblem, Silent, merge, run, shelf
from indexer.collection import Collection, Places
from indexer.remote import changing
from indexer.remote.live import places
from indexer.remote.shelf import RemoteShelf
from tests.kit.jobs import describe_photos
from tests.kit.lively import HEAD, Photos, answers, counting
from tests.kit.remote import lite, store, wipe
from tests.kit.standin import InThread, StandIn, a_bank

Fixture = Callable[[str], Any]
# Addresses of two libraries on the same server.
ADDRESSES: dict[str, Callable[[Path, Fixture], tuple[str, str]]] = {
    "milvus": lambda _, fixture: _pair(lambda name: str(fixture("milvus_server").address(name))),
    "milvus+lite": lambda folder, _: _pair(lambda name: lite(folder / "lite", name)),
    "postgresql": lambda _, fixture: _pair(
        lambda name: str(fixture("postgres_address")).replace("?", f"/{name}?")
    ),
}
SLOW = ("milvus",)


def _pair(address: Callable[[str], str]) -> tuple[str, str]:
    name = f"l{secrets.token_hex(8)}"
    return address(name), address(f"{name}w")


@dataclass(frozen=True)
class Libraries:
    """A live one, and one that is always written whole."""

    live: RemoteShelf
    whole: RemoteShelf


def opened_at(request: pytest.FixtureRequest, folder: Path) -> Iterator[Libraries]:
    found = Libraries(*map(store, ADDRESSES[request.param](folder, request.getfixturevalue)))
    yield found
    wipe(found.live)
    wipe(found.whole)


@pytest.fixture(
    params=[pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in ADDRESSES]
)
def libraries(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Libraries]:
    yield from opened_at(request, tmp_path)


@pytest.fixture(params=[kind for kind in ADDRESSES if kind not in SLOW])
def quick(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Libraries]:
    """For what does not depend on the server."""
    yield from opened_at(request, tmp_path)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Photos:
    """Thirty; a rung of the ladder for each seven, and few rows in an answer."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    for module in ("live.order", "changing"):
        monkeypatch.setattr(f"indexer.remote.{module}.STEP", 7)
    monkeypatch.setattr("indexer.remote.changing._ROWS", 16)
    found = Photos(tmp_path)
    describe_photos(monkeypatch, found.described)
    for _ in range(30):
        found.add()
    found.index()
    return found


def opened(kept_on: RemoteShelf, photos: Photos) -> Any:
    return kept_on.open(photos.encoder.fingerprint)


@pytest.mark.parametrize(("index_type", "gap"), [("flat", places.GAP), ("hnsw", 2)])
def test_it_answers_as_a_whole_publication_does(
    libraries: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch, index_type: str, gap: int
) -> None:
    """Also where there is so little room that photos move because of others."""
    monkeypatch.setattr(places, "GAP", gap)
    monkeypatch.setattr(places, "_ROOM", 2 if gap == 2 else places._ROOM)
    first = photos.publish(libraries.live, live=True, index_type=index_type)
    assert (first.live, libraries.live.manifest(first.generation).live) == (True, True)
    for _ in range(3):
        photos.change()
        photos.index()
        facts = photos.publish(libraries.live)
        whole = photos.publish(libraries.whole, index_type=index_type)
        assert (facts.generation, facts.live, whole.live) == (first.generation, True, False)
        assert libraries.live.verify(facts.generation) == []
        found, wanted = (answers(opened(each, photos)) for each in (libraries.live, libraries.whole))
        for what, said in wanted.items():
            assert found[what] == said, what
    assert libraries.live.generations() == [first.generation]


def test_only_what_differs_is_sent(libraries: Libraries, photos: Photos) -> None:
    kept_on = libraries.live
    photos.publish(kept_on, live=True)
    with counting(kept_on) as sent:
        photos.publish(kept_on)
        assert (sent.put, sent.deleted) == (0, 0)
        photos.add(moment="2031-05-05T00:00:00")
        photos.add(moment="2017-02-02T00:00:00")
        photos.index()
        photos.publish(kept_on)
        assert (sent.put, sent.deleted) == (2, 0)
        photos.date(photos.names()[3], "2032-01-01T00:00:00")
        (photos.photos / photos.names()[9]).unlink()
        photos.index()
        photos.publish(kept_on)
        assert (sent.put, sent.deleted) == (3, 1)
        photos.publish(kept_on)
        assert (sent.put, sent.deleted) == (3, 1)
    assert len(opened(kept_on, photos)) == 31


def test_to_send_a_row_only_its_vector_is_read(
    quick: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near-duplicates are found before, among all."""
    photos.publish(quick.live, live=True)
    photos.add()
    photos.index()
    read: list[int] = []
    batches, change = Collection._batches, changing.change

    def noted(collection: Collection, places: Places) -> Any:
        for ids, vectors in batches(collection, places):
            read.append(len(ids))
            yield ids, vectors

    def begun(*given: Any) -> Any:
        read.clear()
        return change(*given)

    monkeypatch.setattr(Collection, "_batches", noted)
    monkeypatch.setattr(changing, "change", begun)
    photos.publish(quick.live)
    assert read == [1]


def test_what_a_killed_change_has_sent_is_not_sent_again(
    quick: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if there is more of it in one place than an answer holds."""
    kept_on = quick.live
    photos.publish(kept_on, live=True)
    for day in range(1, 25):
        photos.add(moment=f"2019-06-{day:02d}T01:02:03")
    photos.index()
    with monkeypatch.context() as patch:
        patch.setattr(changing, "complete", _die)
        with pytest.raises(Stop):
            photos.publish(kept_on)
    with counting(kept_on) as sent:
        photos.publish(kept_on)
    assert (sent.put, sent.deleted) == (0, 0)
    assert len(opened(kept_on, photos).listing(k=99)) == 54


def test_readers_go_on_and_see_what_is_new(libraries: Libraries, photos: Photos) -> None:
    kept_on = libraries.live
    photos.publish(kept_on, live=True)
    reader, seen = opened(kept_on, photos), kept_on.glance()
    listed = reader.listing(k=1000)
    assert (reader.identity, kept_on.glance()) == (kept_on.identity(), seen)
    photos.change()
    photos.index()
    photos.publish(kept_on)
    assert kept_on.glance() != seen
    assert kept_on.identity() != reader.identity
    # Of what was deleted meanwhile, there is nothing; the rest is found.
    found = answers(reader)
    assert found["photos"] == len(listed)
    gone = [photo for photo in listed if reader.photo(photo.public_id) is None]
    assert gone
    assert not reader.vectors(np.array([photo.id for photo in gone])).any()
    assert [reader.vector(photo.public_id) for photo in gone] == [None] * len(gone)
    assert {photo.id for photo in found["None listed"]} <= {
        photo.id for photo in opened(kept_on, photos).listing(k=999)
    }
    assert opened(kept_on, photos).identity == kept_on.identity()


@pytest.mark.parametrize("what", ["model", "bank", "parts", "type", "no live"])
def test_what_cannot_be_changed_is_written_anew(quick: Libraries, photos: Photos, what: str) -> None:
    kept_on, options = quick.live, {}
    first = photos.publish(kept_on, live=True)
    if what == "model":
        photos.encoder = StandIn("6" * 16, parts=HEAD)
    elif what == "bank":
        photos.encoder.bank = a_bank(photos.encoder.fingerprint, seed=5)
    elif what == "parts":
        photos.encoder = StandIn()
    elif what == "type":
        options = {"index_type": "hnsw"}
    else:
        options = {"live": False}
    photos.index()
    second = photos.publish(kept_on, **options)
    assert (second.generation, second.live) == ("000002", what != "no live")
    assert kept_on.generations() == ["000002", first.generation]
    photos.add()
    photos.index()
    third = photos.publish(kept_on)
    assert third.generation == ("000003" if what == "no live" else "000002")
    assert len(opened(kept_on, photos)) == 31


def test_a_live_library_cannot_be_rolled_back(quick: Libraries, photos: Photos) -> None:
    kept_on = quick.live
    photos.publish(kept_on)
    photos.publish(kept_on, live=True)
    with kept_on.writing(), pytest.raises(IndexProblem, match="is live, so it has no earlier state"):
        kept_on.rollback()
    assert kept_on.current() == "000002"


def test_the_run_keeps_it_live(libraries: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command does; what is damaged in the middle of a change is not removed."""
    kept_on = libraries.live
    # Nobody has to be waited for.
    monkeypatch.setattr(RemoteShelf, "_unload_others", lambda *_: None)

    def published(**options: Any) -> Any:
        return run(
            photos.work,
            [photos.photos],
            photos.encoder,  # type: ignore[arg-type]
            Silent(),
            store=kept_on.address,
            accept_deletions=True,
            **options,
        )

    assert published(live=True).published
    assert not published().published
    photos.add()
    report = published()
    assert (report.published, report.generation, report.photos) == (True, "000001", 31)
    # As a killed change leaves it: a row too many.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.remote.changing.complete", _die)
        photos.add()
        photos.index()
        with pytest.raises(Stop):
            photos.publish(kept_on)
    (said,) = kept_on.verify("000001")
    assert "has 32 rows where 31 are published: a change was interrupted; run sketchseek index again" in said
    assert len(opened(kept_on, photos)) == 31
    report = published()
    assert (report.published, report.generation, report.photos) == (True, "000001", 32)
    assert report.healed == ["generation 000001 was changed only in part: completed"]
    assert kept_on.verify("000001") == []
    assert published(live=False).generation == "000002"


class Stop(BaseException):
    pass


def _die(*_: Any) -> None:
    raise Stop


def test_a_live_table_that_lost_a_vector_is_written_anew(
    quick: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_on = quick.live
    photos.publish(kept_on, live=True)
    with monkeypatch.context() as patch:

        def broken(*_: Any) -> None:
            raise BrokenGeneration("a search does not find a stored vector")

        patch.setattr("indexer.remote.library.RemoteLibrary.prove", broken)
        assert photos.publish(kept_on).generation == "000002"
    assert kept_on.verify("000002") == []


def test_a_folder_is_never_live(photos: Photos) -> None:
    for work in (
        lambda: run(photos.folder / "new", [photos.photos], photos.encoder, Silent(), live=True),  # type: ignore[arg-type]
        lambda: merge(photos.folder / "new", [photos.work], Silent(), live=True),
    ):
        with pytest.raises(IndexProblem, match="--live is for a library on a server"):
            work()
    assert not (photos.folder / "new").exists()
    assert not shelf(photos.work).manifest("000001").live


def test_the_recall_is_measured_again_when_much_has_changed(quick: Libraries, photos: Photos) -> None:
    kept_on = quick.live
    photos.publish(kept_on, live=True, index_type="hnsw")
    measured = kept_on.manifest("000001").measured
    assert measured.changed == 0
    changes = []
    for _ in range(9):
        photos.add()
        photos.index()
        photos.publish(kept_on)
        changes.append(kept_on.manifest("000001").measured.changed)
    # 8 of 38 is less than a quarter, and so is 9 of 39; 10 of 40 is, too.
    assert changes == list(range(1, 10))
    for _ in range(5):
        photos.add()
    photos.index()
    photos.publish(kept_on)
    assert kept_on.manifest("000001").measured.changed == 0
    assert replace(measured, changed=0).kind == "hnsw"
