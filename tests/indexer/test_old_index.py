"""An index that version 0.1 made: its generations open, roll back, and a run over it goes on where it stopped.

`old/` holds it and its photos: seven, one of them a copy, in two generations with an HNSW index, of which the second
has dead and fresh ids; made with the stand-in for the model. The catalogue's copy is left out, being the same file.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import Filter, Report, Silent, inspect, run, shelf, status
from tests.kit.standin import DIMENSION, SIZE, InThread, StandIn, write_photo

OLD = Path(__file__).parent / "old"
NAMES = {"a/0.png", "a/2.png", "a/4.png", "a/6.png", "b/3.png", "b/5.png", "b/copy.png"}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    made = Path(shutil.copytree(OLD / "index", tmp_path / "index"))
    shutil.copyfile(made / "catalogue.sqlite", made / "catalogue.sqlite.copy")
    return made


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / "photos", tmp_path / "photos"))


def go_on(index: Path, photos: Path, *forget: Path) -> Report:
    return run(index, [photos], StandIn(), Silent(), forget=forget)  # type: ignore[arg-type]


def test_it_opens_and_finds_each_photo(index: Path, photos: Path) -> None:
    opened = shelf(index).open(StandIn().fingerprint)
    assert (opened.manifest.generation, opened.manifest.store, opened.refused) == ("000002", "hnsw-fp16", ())
    assert {hit.photo.relative for hit in opened.search(np.ones((1, DIMENSION), np.float32), 99)} == NAMES
    for name in NAMES:
        with Image.open(photos / name) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.NEAREST))
        query = StandIn().encode_photos([pixels])
        best, *_ = opened.search(query, 1, fold_duplicates=True)
        copies = {"a/0.png", "b/copy.png"}
        assert best.photo.relative in (copies if name in copies else {name})
        assert (best.folded, best.score > 0.99) == (int(name in copies), True)
    opened.close()


def test_it_can_be_browsed(index: Path) -> None:
    opened = shelf(index).open(StandIn().fingerprint)
    # It knows when photos were taken, but not when their files were last changed.
    assert [(month.month, month.photos) for month in opened.timeline()] == [("", 7)]
    shown = opened.listing(k=99)
    assert [photo.relative for photo in shown] == sorted(NAMES)
    assert dict(opened.facets().folders) == {"a": 4, "b": 3}
    first = frozenset({shown[0].content})
    assert [photo.relative for photo in opened.listing(Filter(only=first))] == ["a/0.png", "b/copy.png"]
    assert [photo.relative for photo in opened.listing(Filter(without=first), offset=1)] == [
        "a/4.png", "a/6.png", "b/3.png", "b/5.png",
    ]  # fmt: skip
    assert dict(opened.facets(first).folders) == {"a": 3, "b": 2}
    opened.close()


def test_nothing_is_wrong_with_it(index: Path) -> None:
    # Its photos lie elsewhere here.
    assert [trouble.what for trouble in status(index).troubles] == [
        "/srv/photos: the photo folder is missing"
    ]
    assert inspect(index) == []
    kept_on = shelf(index)
    assert {name: kept_on.verify(name) for name in kept_on.generations()} == {"000002": [], "000001": []}
    with kept_on.writing():
        assert kept_on.rollback() == ("000002", "000001")
    assert len(kept_on.open(StandIn().fingerprint)) == 7


def test_a_run_goes_on_without_embedding_anew(
    index: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    ids = identities(index)
    # The photos lie elsewhere now; those of before are another folder, which is not there.
    report = go_on(index, photos, Path("/srv/photos"))
    assert (report.embedded, report.added, report.removed, report.photos) == (0, 7, 7, 7)
    assert (report.generation, report.healed) == ("000003", [])
    assert identities(index) == ids
    write_photo(photos / "new.png", 99)
    report = go_on(index, photos)
    assert (report.embedded, report.added, report.unchanged) == (1, 1, 7)
    assert identities(index).items() > ids.items()


def identities(index: Path) -> dict[str, str]:
    opened = shelf(index).open(StandIn().fingerprint)
    hits = opened.search(np.ones((1, DIMENSION), np.float32), 99)
    opened.close()
    return {hit.photo.relative: hit.photo.public_id for hit in hits}
