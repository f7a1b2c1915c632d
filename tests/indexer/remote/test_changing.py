"""A live library answers as one that was written whole, whatever changed, and only what changed is sent."""

from typing import Any

import numpy as np
import pytest

from indexer import Silent, run
from indexer.collection import Collection, Places
from indexer.remote import changing
from indexer.remote.live import places
from indexer.remote.shelf import RemoteShelf
from tests.kit.lively import Libraries, Photos, answers, counting


def opened(kept_on: RemoteShelf, photos: Photos) -> Any:
    return kept_on.open(photos.encoder.fingerprint)


@pytest.mark.parametrize(("index_type", "gap", "times"), [("flat", places.GAP, 2), ("hnsw", 2, 3)])
def test_it_answers_as_a_whole_publication_does(
    libraries: Libraries,
    photos: Photos,
    monkeypatch: pytest.MonkeyPatch,
    index_type: str,
    gap: int,
    times: int,
) -> None:
    """Also where there is so little room that photos move because of others, time after time."""
    monkeypatch.setattr(places, "GAP", gap)
    monkeypatch.setattr(places, "_ROOM", 2 if gap == 2 else places._ROOM)
    first = photos.publish(libraries.live, live=True, index_type=index_type)
    assert (first.live, libraries.live.manifest(first.generation).live) == (True, True)
    for _ in range(times):
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
    nearby: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near-duplicates are found before, among all."""
    photos.publish(nearby.live, live=True)
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
    photos.publish(nearby.live)
    assert read == [1]


def test_what_a_killed_change_has_sent_is_not_sent_again(
    nearby: Libraries, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if there is more of it in one place than an answer holds."""
    kept_on = nearby.live
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
