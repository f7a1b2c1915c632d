"""An index from before local parts gets them by the next run: from thumbnails, in steps that survive."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer import Published
from indexer.decoding.thumbnails import thumbnail_path
from indexer.decoding.workers import Read
from indexer.jobs import pipeline
from model import Encoder
from model.encoder import Encoded
from model.modality import Modality
from tests.kit import TOP
from tests.kit.damage import flip
from tests.kit.jobs import Job, ids
from tests.kit.standin import InThread, Library, StandIn, contents, photos_with_parts

HEAD = "7" * 16
OLD = TOP / "tests" / "indexer" / "old"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "photos", 1)
    for number in range(40):
        library.write(f"{number}.png")
    return library


@pytest.fixture
def older(quick: Job, library: Library, monkeypatch: pytest.MonkeyPatch) -> Job:
    """An index whose photos have vectors and no parts, and a model that has a local head now."""
    monkeypatch.setattr("indexer.jobs.filling.Workers", InThread)
    quick(library.folder)
    quick.encoder = cast(Encoder, StandIn(parts=HEAD))
    return quick


def everything(library: Library) -> set[str]:
    return set(contents(library.folder).values())


def test_the_next_run_makes_them_from_thumbnails(
    older: Job, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InThread, "read", None)
    report = older()
    assert report.healed == ["local parts were missing: made for 40 photos"]
    assert (report.embedded, report.unchanged, report.published) == (0, 40, True)
    assert photos_with_parts(older.index, library.seeds, HEAD) == everything(library)
    assert older().healed == []


def test_without_a_thumbnail_the_photo_is_read_again(
    older: Job, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = contents(library.folder)
    lost, gone = sorted(there)[:2]
    for name in (lost, gone):
        # Its size is right, so nothing but reading it shows the damage.
        flip(thumbnail_path(older.index / "thumbnails", there[name]))

    class Vanishing(InThread):
        """One of the two is deleted when it is about to be read."""

        def read(self, root: Path, relative: str) -> Read:
            if relative == gone:
                (root / relative).unlink()
            return super().read(root, relative)

    monkeypatch.setattr("indexer.jobs.filling.Workers", Vanishing)
    report = older()
    assert report.healed == [
        "local parts were missing: made for 39 photos, for 1 of them from the photo; "
        "1 photo cannot be read and stays without"
    ]
    assert photos_with_parts(older.index, library.seeds, HEAD) == {*there.values()} - {there[gone]}


def test_a_run_that_is_stopped_goes_on(older: Job, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    encode, sizes = older.encoder.encode, list[int]()

    def stopped(pixels: Sequence[np.ndarray], kind: Modality) -> Encoded:
        if len(sizes) == 2:
            raise KeyboardInterrupt
        sizes.append(len(pixels))
        return encode(pixels, kind)

    with monkeypatch.context() as patched:
        patched.setattr(older.encoder, "encode", stopped)
        with pytest.raises(KeyboardInterrupt):
            older()
    report = older()
    assert report.healed == [f"local parts were missing: made for {40 - sum(sizes)} photos"]
    assert photos_with_parts(older.index, library.seeds, HEAD) == everything(library)


def test_they_are_searched_as_they_come(
    older: Job, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit may publish; a photo without parts is found all the same."""
    seen: list[int] = []
    monkeypatch.setattr(pipeline, "COMMIT_SECONDS", -1.0)
    monkeypatch.setattr("indexer.jobs.interim.FIRST_SECONDS", -1.0)
    monkeypatch.setattr("indexer.jobs.interim._PAUSES", (-1.0,))
    monkeypatch.setattr("indexer.jobs.interim._WORTH", 0.0)
    publish = older.encoder.encode

    def watching(pixels: Sequence[np.ndarray], kind: Modality) -> Encoded:
        seen.append(len(photos_with_parts(older.index, library.seeds, HEAD)))
        return publish(pixels, kind)

    monkeypatch.setattr(older.encoder, "encode", watching)
    older()
    assert seen == [0, 16, 32]


def test_an_index_of_version_0_1_gets_them(quick: Job, tmp_path: Path) -> None:
    shutil.copytree(OLD / "index", quick.index)
    photos = Path(shutil.copytree(OLD / "photos", tmp_path / "old"))
    quick.encoder = cast(Encoder, StandIn(parts=HEAD))
    report = quick(photos)
    assert report.healed[-1] == "local parts were missing: made for 6 photos"
    opened = Published.open(quick.index, quick.encoder.fingerprint)
    found = opened.parts(np.array([*ids(quick).values()]), HEAD)
    assert found is not None
    # The other half are of the folder that it was made from, and not here.
    assert found.present.all()
