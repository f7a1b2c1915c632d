"""Biases of a generation: those of the bank that its vectors came with, in whichever way it was published."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from indexer import Partition, Published, Silent, merge, run, shelf
from indexer.generations.biases import Biases
from indexer.jobs import parts
from indexer.shards import banks
from indexer.shards.shard import Origin
from model.bank import KINDS, Bank
from model.modality import Modality, Vectors
from tests.kit.standin import DIMENSION, InThread, StandIn, a_bank, write_photo

SKETCH = {Modality.SKETCH: 1.0}


@pytest.fixture(autouse=True)
def _in_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(30):
        write_photo(tmp_path / "photos" / f"{seed % 3}" / f"{seed}.png", seed)
    return tmp_path / "photos"


def indexed(photos: Path, bank: Bank | None, **options: str) -> Published:
    encoder = StandIn()
    encoder.bank = bank
    index = photos.parent / "index"
    run(index, [photos], encoder, Silent(), **options)  # type: ignore[arg-type]
    return Published.open(index, encoder.fingerprint)


def ranked(opened: Published, query: Vectors, kinds: Mapping[Modality, float] | None) -> dict[str, float]:
    found = opened.nearest(query, 99, kinds=kinds)
    hits = opened.hits(found.ids, found.corrected)
    return {hit.photo.relative: hit.score for hit in hits}


def query(seed: int) -> Vectors:
    row = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return row / np.linalg.norm(row)


def exact(opened: Published, bank: Bank, asked: Vectors) -> dict[str, float]:
    found = opened.nearest(asked, 99)
    rows = opened.vectors(found.ids)
    scores = rows @ asked - bank.biases(rows)[:, KINDS.index(Modality.SKETCH)]
    hits = opened.hits(found.ids, scores)
    return {hit.photo.relative: hit.score for hit in sorted(hits, key=lambda hit: -hit.score)}


def same(found: Mapping[str, float], expected: Mapping[str, float]) -> bool:
    return found.keys() == expected.keys() and all(
        abs(found[name] - expected[name]) < 5e-3 for name in expected
    )


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_a_search_subtracts_them_and_says_the_cosine(photos: Path, index_type: str) -> None:
    bank = a_bank(StandIn().fingerprint)
    opened = indexed(photos, bank, index_type=index_type)
    assert opened.manifest.bank == bank.digest
    asked = query(1)
    found = opened.nearest(asked, 30, kinds=SKETCH)
    assert same(ranked(opened, asked, SKETCH), exact(opened, bank, asked))
    assert np.allclose(found.scores, opened.vectors(found.ids) @ asked, atol=2e-3)
    assert (np.diff(found.corrected) <= 1e-6).all()
    assert (found.corrected < found.scores).all()
    # Photos have no bank, so a photo as the query finds by cosine.
    assert ranked(opened, asked, {Modality.PHOTO: 1.0}) == ranked(opened, asked, None)


def test_least_scores_are_cosines_whatever_the_order(photos: Path) -> None:
    opened, asked = indexed(photos, a_bank(StandIn().fingerprint)), query(2)
    whole = opened.nearest(asked, 30, kinds=SKETCH)
    for least in (*whole.scores[[0, 7, 20]].tolist(), 0.99, -1):
        passing = whole.ids[whole.scores >= least].tolist()
        for k in (1, 4, 30):
            assert opened.nearest(asked, k, kinds=SKETCH, min_score=least).ids.tolist() == passing[:k]


def test_only_new_photos_are_weighed(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = a_bank(StandIn().fingerprint)
    indexed(photos, bank)
    weighed: list[int] = []
    original = Bank.biases

    def counted(self: Bank, rows: Vectors) -> Vectors:
        weighed.append(len(rows))
        return original(self, rows)

    monkeypatch.setattr(Bank, "biases", counted)
    write_photo(photos / "new.png", 99)
    opened = indexed(photos, bank)
    assert sum(weighed) == 1
    monkeypatch.undo()
    asked = query(3)
    assert same(ranked(opened, asked, SKETCH), exact(opened, bank, asked))
    assert len(opened) == 31


def test_another_bank_is_published_without_embedding(photos: Path) -> None:
    first = indexed(photos, None)
    assert (first.manifest.bank, first.manifest.generation) == ("", "000001")
    assert ranked(first, query(4), SKETCH) == ranked(first, query(4), None)
    for number, seed in ((2, 0), (3, 1)):
        bank = a_bank(StandIn().fingerprint, seed=seed)
        opened = indexed(photos, bank)
        assert (opened.manifest.bank, opened.manifest.generation) == (bank.digest, f"00000{number}")
        assert same(ranked(opened, query(4), SKETCH), exact(opened, bank, query(4)))
    assert indexed(photos, a_bank(StandIn().fingerprint, seed=1)).manifest.generation == "000003"
    assert indexed(photos, None).manifest.bank == ""
    # The first was published without biases, and still opens.
    assert shelf(photos.parent / "index").verify("000003") == []


def test_a_damaged_bank_beside_the_vectors_is_replaced(photos: Path) -> None:
    bank, origin = a_bank(StandIn().fingerprint), Origin.of(StandIn())  # type: ignore[arg-type]
    indexed(photos, bank)
    path = banks.bank_path(photos.parent / "index", origin)
    path.write_bytes(path.read_bytes()[:-9])
    assert banks.kept(photos.parent / "index", origin) is None
    opened = indexed(photos, bank)
    restored = banks.kept(photos.parent / "index", origin)
    assert restored is not None
    assert restored.digest == bank.digest
    assert opened.manifest.generation == "000001"


def test_parts_bring_their_bank_into_the_whole(photos: Path, tmp_path: Path) -> None:
    folders = []
    for number in (1, 2):
        folders.append(tmp_path / f"part {number}")
        part = Partition(number, 2)
        run(folders[-1], [photos], StandIn(), Silent(), partition=part)  # type: ignore[arg-type]
    merge(tmp_path / "whole", folders, Silent())
    opened, bank = Published.open(tmp_path / "whole", StandIn().fingerprint), a_bank(StandIn().fingerprint)
    assert opened.manifest.bank == bank.digest
    assert same(ranked(opened, query(5), SKETCH), exact(opened, bank, query(5)))
    assert banks.BANK_FILE in {Path(name).name for name in parts.parse(folders[0]).files}


def test_a_lost_generation_is_weighed_anew(photos: Path) -> None:
    bank = a_bank(StandIn().fingerprint)
    folder = indexed(photos, bank).index / "generations" / "000001"
    data = bytearray((folder / "index.faiss").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "index.faiss").write_bytes(data)
    write_photo(photos / "new.png", 98)
    opened = indexed(photos, bank)
    assert same(ranked(opened, query(6), SKETCH), exact(opened, bank, query(6)))


def test_weighing_tells_how_far_it_is(photos: Path) -> None:
    told: list[tuple[str, int, int]] = []
    bank, opened = a_bank(StandIn().fingerprint), indexed(photos, None)
    found = opened.nearest(query(7), 30)
    rows = opened.vectors(found.ids)
    weighed = Biases(bank, found.ids, found.ids[:0], on_step=lambda *step: told.append(step))
    for some in (slice(0, 20), slice(10, 30), slice(0, 30)):
        assert np.allclose(weighed(found.ids[some], rows[some]), bank.biases(rows[some]))
    assert told == [("weighing", 20, 30), ("weighing", 30, 30)]


@pytest.mark.parametrize("kinds", [None, SKETCH])
def test_pages_fit_together_where_photos_tie(photos: Path, kinds: Mapping[Modality, float] | None) -> None:
    """Exact copies score the same, and a store returns any of them."""
    for number in range(60):
        (photos / f"copy {number}.png").write_bytes((photos / "0" / "0.png").read_bytes())
    opened = indexed(photos, a_bank(StandIn().fingerprint))
    for asked in (query(8), opened.vectors(opened.nearest(query(8), 1).ids)[0]):
        whole = opened.nearest(asked, 90, kinds=kinds).ids.tolist()
        assert len(set(whole)) == 90
        for k in (1, 7, 13, 29, 60, 89):
            assert opened.nearest(asked, k, kinds=kinds).ids.tolist() == whole[:k]
        folded = opened.nearest(asked, 90, kinds=kinds, fold_duplicates=True).ids.tolist()
        assert len(folded) == 30
        for k in (1, 7, 29):
            assert opened.nearest(asked, k, kinds=kinds, fold_duplicates=True).ids.tolist() == folded[:k]
