"""What a live table cannot become, and servers that do not do what they say: written anew, or refused by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from indexer import BrokenGeneration, IndexProblem, Silent, merge, run, shelf
from indexer.remote.shelf import RemoteShelf
from tests.kit.lively import HEAD, Libraries, Photos
from tests.kit.standin import StandIn, a_bank


def opened(kept_on: RemoteShelf, photos: Photos) -> Any:
    return kept_on.open(photos.encoder.fingerprint)


def test_what_cannot_be_changed_is_written_anew(nearby: Libraries, photos: Photos) -> None:
    """And is live again, unless that is what changed."""
    kept_on = nearby.live
    assert photos.publish(kept_on, live=True).generation == "000001"
    rebanked, partless = StandIn(parts=HEAD), StandIn()
    rebanked.bank = partless.bank = a_bank(partless.fingerprint, seed=5)
    changes: dict[str, tuple[StandIn, dict[str, Any]]] = {
        "bank": (rebanked, {}),
        "parts": (partless, {}),
        "type": (partless, {"index_type": "hnsw"}),
        "model": (StandIn("6" * 16), {}),
        "no live": (StandIn("6" * 16), {"live": False}),
    }
    for number, (what, (encoder, options)) in enumerate(changes.items(), start=2):
        photos.encoder = encoder
        photos.index()
        anew = photos.publish(kept_on, **options)
        assert (anew.generation, anew.live) == (f"{number:06d}", what != "no live"), what
        assert kept_on.generations() == [f"{one:06d}" for one in range(number, 0, -1)]
        photos.add()
        photos.index()
        again = photos.publish(kept_on).generation
        assert again == (f"{number + 1:06d}" if what == "no live" else anew.generation), what
        assert len(opened(kept_on, photos)) == 29 + number


def test_a_live_library_cannot_be_rolled_back(nearby: Libraries, photos: Photos) -> None:
    kept_on = nearby.live
    photos.publish(kept_on)
    photos.publish(kept_on, live=True)
    with kept_on.writing(), pytest.raises(IndexProblem, match="is live, so it has no earlier state"):
        kept_on.rollback()
    assert kept_on.current() == "000002"


def test_a_live_table_that_lost_a_vector_is_written_anew(
    nearby: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_on = nearby.live
    photos.publish(kept_on, live=True)
    with monkeypatch.context() as patch:

        def broken(*_: Any) -> None:
            raise BrokenGeneration("a search does not find a stored vector")

        patch.setattr("indexer.remote.library.RemoteLibrary.prove", broken)
        assert photos.publish(kept_on).generation == "000002"
    assert kept_on.verify("000002") == []


def test_a_server_that_deletes_something_else_is_found_out(nearby: Libraries, photos: Photos) -> None:
    """As many rows as there should be, but not those."""
    kept_on = nearby.live
    photos.publish(kept_on, live=True)
    database: Any = kept_on.database
    change, (one, other) = database.change, photos.names()[:2]
    wrong = next(photo.id for photo in opened(kept_on, photos).listing(k=99) if photo.relative == other)

    @contextmanager
    def changed(*given: Any) -> Iterator[Any]:
        with change(*given) as changer:
            delete = changer.delete
            changer.delete = lambda _: delete([wrong])
            yield changer

    database.change = changed
    (photos.photos / one).unlink()
    photos.index()
    with pytest.raises(IndexProblem, match="still has photos that were deleted"):
        photos.publish(kept_on)
    database.change = change
    photos.publish(kept_on)
    assert [photo.relative for photo in opened(kept_on, photos).listing(k=99)].count(other) == 1


def test_a_folder_is_never_live(photos: Photos) -> None:
    for work in (
        lambda: run(photos.folder / "new", [photos.photos], photos.encoder, Silent(), live=True),  # type: ignore[arg-type]
        lambda: merge(photos.folder / "new", [photos.work], Silent(), live=True),
    ):
        with pytest.raises(IndexProblem, match="--live is for a library on a server"):
            work()
    assert not (photos.folder / "new").exists()
    assert not shelf(photos.work).manifest("000001").live


def test_the_recall_is_measured_again_when_much_has_changed(nearby: Libraries, photos: Photos) -> None:
    kept_on = nearby.live
    photos.publish(kept_on, live=True, index_type="hnsw")
    measured = kept_on.manifest("000001").measured
    assert measured.changed == 0
    changes = []
    for more in (1, 3, 5):
        for _ in range(more):
            photos.add()
        photos.index()
        photos.publish(kept_on)
        changes.append(kept_on.manifest("000001").measured.changed)
    # 9 of 39 is less than a quarter.
    assert changes == [1, 4, 9]
    for _ in range(5):
        photos.add()
    photos.index()
    photos.publish(kept_on)
    assert kept_on.manifest("000001").measured.changed == 0
    assert replace(measured, changed=0).kind == "hnsw"
