"""Near-duplicates: what folds under what, by brute force, from one run to the next, and on real photographs."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.duplicates import groups
from indexer.duplicates.groups import THRESHOLD, all_pairs, new_pairs, stand_ins
from indexer.duplicates.signatures import Signatures, stack
from indexer.stores import Ids, Source
from indexer.stores.faiss import MAIN
from indexer.stores.faiss.build import build
from indexer.stores.faiss.layers import LayeredStore
from model import Encoder
from model.modality import Vectors, unit

PHOTOS = Path(os.environ.get("SKETCHSEEK_TEST_PHOTOS", "none"))


def library(folder: Path, rows: Vectors) -> tuple[Source, Ids, LayeredStore]:
    ids = np.random.default_rng(5).permutation(len(rows)).astype(np.int64) * 31 + 7

    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, len(ids), 500):
            yield ids[start : start + 500], rows[start : start + 500]

    source = Source(len(ids), rows.shape[1], batches)
    build(folder / MAIN, source, "flat")
    return source, ids, LayeredStore.open(folder)


def unseen(ids: Ids) -> Signatures:
    """Nobody knows how they look."""
    return stack([None] * len(ids))


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


@pytest.mark.parametrize("nearness", [0.995, 0.97])
def test_landmarks_find_what_brute_force_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nearness: float
) -> None:
    monkeypatch.setattr(groups, "_FROM", 100)
    rows = photos(4000, 400, nearness)
    source, ids, store = library(tmp_path, rows)
    later, earlier = np.nonzero(np.tril(rows @ rows.T >= THRESHOLD, -1))
    every = set(zip(later.tolist(), earlier.tolist(), strict=True))
    assert len(every) >= 400
    found = {
        (one, other) for one, others in all_pairs(source, ids, store, unseen(ids)).items() for other in others
    }
    near = [(a, b) for a, b in every ^ found if abs(float(rows[a] @ rows[b]) - THRESHOLD) < 1e-3]
    assert len((every ^ found) - set(near)) <= 0.01 * len(every)
    searched = new_pairs(np.arange(4000, 4400), ids, store, unseen(ids))
    assert sum(one - 4000 in searched.get(one, []) for one in range(4000, 4400)) == 400


@pytest.mark.parametrize("originals", [400, 3], ids=["few are alike", "many are alike"])
def test_what_is_compared_in_few_columns_first_is_what_brute_force_finds(
    tmp_path: Path, originals: int
) -> None:
    chance = np.random.default_rng(3)
    rows = unit(chance.standard_normal((2000, 512), dtype=np.float32))
    noise = chance.uniform(0.005, 0.02, (1000, 1)) * chance.standard_normal((1000, 512))
    rows[1000:] = np.resize(rows[:originals], (1000, 512)) + noise
    rows = unit(rows)
    _, ids, store = library(tmp_path, rows)
    alike = rows @ rows.T
    unsure = np.abs(alike - THRESHOLD) < 1e-3
    assert (alike[1000:, :1000] >= THRESHOLD).any()
    near = groups._near(np.arange(1000, 2000), ids, store)
    found = np.zeros_like(alike, dtype=bool)
    places = {number: place for place, number in enumerate(ids.tolist())}
    for place, others in near:
        found[place, [places[other] for other in others.tolist()]] = True
    wrong = found[1000:] != (alike[1000:] >= THRESHOLD)
    assert not (wrong & ~unsure[1000:]).any()


def test_small_steps_do_not_lead_from_one_picture_to_another(tmp_path: Path) -> None:
    angles = np.arange(60) * 0.1
    rows = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    source, ids, store = library(tmp_path, rows)
    leaders = stand_ins(ids, all_pairs(source, ids, store, unseen(ids)), {}, store, unseen(ids))
    assert all(float(rows[one] @ rows[leader]) >= THRESHOLD - 1e-3 for one, leader in enumerate(leaders))
    assert set(leaders[leaders]) == set(leaders)
    assert 10 < len(set(leaders.tolist())) < 30


def test_what_was_grouped_stays_grouped(tmp_path: Path) -> None:
    rows = photos(300, 100, 0.99)
    source, ids, store = library(tmp_path, rows)
    whole = stand_ins(ids, all_pairs(source, ids, store, unseen(ids)), {}, store, unseen(ids))
    assert [int(leader) for leader in whole[300:]] == list(range(100))
    before = {place: int(leader) for place, leader in enumerate(whole[:350]) if place != leader}
    again = stand_ins(
        ids, new_pairs(np.arange(350, 400), ids, store, unseen(ids)), before, store, unseen(ids)
    )
    assert np.array_equal(again, whole)


def test_a_thousand_copies_cost_no_more_than_they_must(tmp_path: Path) -> None:
    rows = np.repeat(photos(2, 0, 1.0), 1500, axis=0)
    source, ids, store = library(tmp_path, rows)
    pairs = all_pairs(source, ids, store, unseen(ids))
    assert max(map(len, pairs.values())) <= 24
    leaders = stand_ins(ids, pairs, {}, store, unseen(ids))
    assert set(leaders.tolist()) == {0, 1500}


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
