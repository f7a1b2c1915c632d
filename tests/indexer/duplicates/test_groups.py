"""Near-duplicates: what folds under what, by brute force, from one run to the next, and on real photographs."""

import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.duplicates import cells, groups, signatures
from indexer.duplicates.cells import THRESHOLD
from indexer.duplicates.contents import Contents
from indexer.duplicates.groups import all_pairs, new_pairs, stand_ins
from indexer.duplicates.pairs import KEPT, Pairs, places
from indexer.duplicates.room import Room
from indexer.duplicates.signatures import stack
from indexer.stores import Ids, Source
from indexer.stores.faiss import MAIN
from indexer.stores.faiss.build import build
from indexer.stores.faiss.layers import LayeredStore
from model import Encoder
from model.modality import Vectors, unit

PHOTOS = Path(os.environ.get("SKETCHSEEK_TEST_PHOTOS", "none"))


NONE = (np.empty(0, np.int64), np.empty(0, np.int64))


def library(folder: Path, rows: Vectors) -> tuple[Contents, LayeredStore]:
    """Nobody knows how they look."""
    ids = np.random.default_rng(5).permutation(len(rows)).astype(np.int64) * 31 + 7

    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, len(ids), 500):
            yield ids[start : start + 500], rows[start : start + 500]

    source = Source(len(ids), rows.shape[1], batches, rows=lambda positions: rows[positions])
    build(folder / MAIN, source, "flat")
    unseen = stack([None] * len(ids))
    contents = Contents(ids, np.arange(len(ids)), source, unseen, Room(folder))
    return contents, LayeredStore.open(folder)


def listed(pairs: Pairs) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one, other in zip(*(part.tolist() for part in places(pairs.keys)), strict=True):
        found.setdefault(one, []).append(other)
    return found


def photos(count: int, copies: int, nearness: float, seed: int = 0) -> Vectors:
    """Unlike vectors in loose clusters, and at the end near copies of the first of them."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((40, 64)).astype(np.float32)
    rows = unit(
        centres[chance.integers(0, 40, count)] + 0.6 * chance.standard_normal((count, 64)).astype(np.float32)
    )
    noise = chance.standard_normal((copies, 64)).astype(np.float32)
    noise = unit(noise - (noise * rows[:copies]).sum(1, keepdims=True) * rows[:copies])
    near = nearness * rows[:copies] + (1 - nearness**2) ** 0.5 * noise
    return np.concatenate([rows, near]).astype(np.float32)


@pytest.mark.parametrize(("nearness", "window"), [(0.995, cells.WINDOW), (0.97, cells.WINDOW), (0.97, 60)])
def test_landmarks_find_what_brute_force_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nearness: float, window: int
) -> None:
    monkeypatch.setattr(cells, "_FROM", 100)
    # Cells with more are divided once more.
    monkeypatch.setattr(cells, "WINDOW", window)
    rows = photos(4000, 400, nearness)
    contents, store = library(tmp_path, rows)
    later, earlier = np.nonzero(np.tril(rows @ rows.T >= THRESHOLD, -1))
    every = set(zip(later.tolist(), earlier.tolist(), strict=True))
    assert len(every) >= 400
    found = {(one, other) for one, others in listed(all_pairs(contents)).items() for other in others}
    near = [(a, b) for a, b in every ^ found if abs(float(rows[a] @ rows[b]) - THRESHOLD) < 1e-3]
    assert len((every ^ found) - set(near)) <= 0.01 * len(every)
    new = np.zeros(4400, dtype=bool)
    new[4000:] = True
    for searched in (
        new_pairs(contents, np.arange(4000, 4400), store),
        new_pairs(contents, np.arange(4000, 4400), None),
    ):
        assert sum(one - 4000 in listed(searched).get(one, []) for one in range(4000, 4400)) == 400
    among_cells = listed(all_pairs(contents, new=new))
    assert among_cells.keys() <= set(range(4000, 4400))
    assert sum(one - 4000 in among_cells.get(one, []) for one in range(4000, 4400)) >= 396


@pytest.mark.parametrize("originals", [400, 3], ids=["few are alike", "many are alike"])
def test_what_is_compared_in_few_columns_first_is_what_brute_force_finds(
    tmp_path: Path, originals: int
) -> None:
    chance = np.random.default_rng(3)
    rows = unit(chance.standard_normal((2000, 512), dtype=np.float32))
    noise = chance.uniform(0.005, 0.02, (1000, 1)) * chance.standard_normal((1000, 512))
    rows[1000:] = np.resize(rows[:originals], (1000, 512)) + noise
    rows = unit(rows)
    contents, _ = library(tmp_path, rows)
    alike = rows @ rows.T
    unsure = np.abs(alike - THRESHOLD) < 1e-3
    assert (alike[1000:, :1000] >= THRESHOLD).any()
    found = np.eye(2000, dtype=bool)
    for some in groups._scanned(contents, np.arange(1000, 2000), contents.at):
        found[places(some)] = True
    wrong = found[1000:] != (alike[1000:] >= THRESHOLD)
    assert not (wrong & ~unsure[1000:]).any()


def test_small_steps_do_not_lead_from_one_picture_to_another(tmp_path: Path) -> None:
    angles = np.arange(60) * 0.1
    rows = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    contents, _ = library(tmp_path, rows)
    leaders = stand_ins(contents, all_pairs(contents), NONE)
    assert all(float(rows[one] @ rows[leader]) >= THRESHOLD - 1e-3 for one, leader in enumerate(leaders))
    assert set(leaders[leaders]) == set(leaders)
    assert 10 < len(set(leaders.tolist())) < 30


def test_what_was_grouped_stays_grouped(tmp_path: Path) -> None:
    rows = photos(300, 100, 0.99)
    contents, store = library(tmp_path, rows)
    whole = stand_ins(contents, all_pairs(contents), NONE)
    assert [int(leader) for leader in whole[300:]] == list(range(100))
    before = np.flatnonzero(whole[:350] != np.arange(350))
    for searched in (store, None):
        found = new_pairs(contents, np.arange(350, 400), searched)
        again = stand_ins(contents, found, (before, whole[before]), groups.reading(contents, searched))
        assert np.array_equal(again, whole)


def test_a_thousand_copies_cost_no_more_than_they_must(tmp_path: Path) -> None:
    rows = np.repeat(photos(2, 0, 1.0), 1000, axis=0)
    contents, _ = library(tmp_path, rows)
    pairs = all_pairs(contents)
    assert max(map(len, listed(pairs).values())) <= KEPT
    leaders = stand_ins(contents, pairs, NONE)
    assert set(leaders.tolist()) == {0, 1000}


def test_vectors_are_never_all_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as they are, nor shortened, nor what a sort of them would take."""
    # What is compared at once should be little beside the whole.
    monkeypatch.setattr(signatures, "_CHUNK", 500)
    monkeypatch.setattr(groups, "_BLOCK", 100)
    count, dimension = 20_000, 256
    rows = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=(count, dimension))
    for start in range(0, count, 500):
        chance = np.random.default_rng(start)
        rows[start : start + 500] = unit(chance.standard_normal((500, dimension), dtype=np.float32))
    rows[1::200] = rows[::200]

    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, count, 500):
            yield np.arange(start, start + 500), np.array(rows[start : start + 500])

    source = Source(count, dimension, batches, rows=lambda positions: np.array(rows[positions]))
    looks = stack([None]).repeat(count, axis=0)
    with Room(tmp_path, 2**19) as room:
        contents = Contents(np.arange(count), np.arange(count), source, looks, room)
        tracemalloc.start()
        try:
            leaders = stand_ins(contents, all_pairs(contents), NONE)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert int((leaders != np.arange(count)).sum()) == count // 200
    assert peak < rows.nbytes / 2 / 2


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="SKETCHSEEK_TEST_PHOTOS names no folder of classes of photos")
def test_copies_of_real_photographs_fold_and_photos_of_one_class_do_not(encoder: Encoder) -> None:
    """Originals enlarged to the size that cameras make; their reduced and compressed copies; and their neighbours."""
    vectors, classes, copies = [], [], []
    for number, folder in enumerate(sorted(PHOTOS.iterdir())[:20]):
        for place, path in enumerate(sorted(folder.iterdir())[:10]):
            image = Image.open(path).convert("RGB")
            image = image.resize((4 * image.width, 4 * image.height), Image.Resampling.BICUBIC)
            vectors.append(encoder.photos([image])[0])
            classes.append(number)
            if place < 2:
                copies += [float(vectors[-1] @ encoder.photos([copy])[0]) for copy in _copies(image)]
    nearness = np.array(vectors) @ np.array(vectors).T
    others = nearness[~np.eye(len(vectors), dtype=bool)]
    assert np.mean(others >= THRESHOLD) < 1e-4
    assert np.mean(np.array(copies) >= THRESHOLD) > 0.98


def _copies(image: Image.Image) -> Iterator[Image.Image]:
    for scale, kind, quality in ((1.0, "JPEG", 60), (0.5, "JPEG", 80), (0.4, "WEBP", 80)):
        small = image.resize((int(image.width * scale), int(image.height * scale)))
        buffer = io.BytesIO()
        small.save(buffer, kind, quality=quality)
        yield Image.open(buffer).convert("RGB")
