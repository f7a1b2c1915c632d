"""Photos that look alike from afar: copies of small pictures do, other pictures do not, and none of many is missed."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.duplicates.signatures import BYTES, Signatures, alike, look, pairs, stack
from indexer.generations.generation import current
from indexer.generations.photos import Photos
from indexer.library import Filter
from model.pictures.preprocess import photo_pixels
from tests.kit.jobs import Job
from tests.kit.pictures import encoded

PHOTOS = Path(os.environ.get("SKETCHSEEK_TEST_PHOTOS", "none"))


def seen(image: Image.Image) -> bytes:
    return look(photo_pixels(image, 224))


def scene(seed: int, size: int = 256) -> Image.Image:
    """Soft shapes with some grain."""
    dice = np.random.default_rng(seed)
    coarse = Image.fromarray(dice.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)).astype(np.int16)
    grain = dice.normal(0, 6, (size, size, 1)).astype(np.int16)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def copies(image: Image.Image) -> list[Image.Image]:
    """Compressed hard, halved, and both."""
    half = image.resize((image.width // 2, image.height // 2))
    return [
        Image.open(io.BytesIO(encoded(one, "JPEG", quality=quality))).convert("RGB")
        for one, quality in ((image, 50), (half, 80), (half, 50))
    ]


def test_copies_look_alike_and_others_do_not() -> None:
    originals = stack(seen(scene(number)) for number in range(40))
    for number in range(40):
        for copy in copies(scene(number)):
            assert np.flatnonzero(alike(originals, stack([seen(copy)]))).tolist() == [number]


def test_what_has_little_contrast_must_be_nearer() -> None:
    """Pages of text are white from afar, and differ all the same."""
    page = np.full((8, 8, 3), 240, dtype=np.uint8)
    first, second = page.copy(), page.copy()
    first[2:4, 1:7], second[4:6, 1:7] = 236, 236
    looks = stack([first.tobytes(), second.tobytes(), first.tobytes(), page.tobytes(), None, b"half"])
    assert np.abs(looks[0].astype(int) - looks[1]).mean() < 2
    later, earlier = pairs(looks)
    assert (later.tolist(), earlier.tolist()) == ([2], [0])


def test_pairs_are_those_that_brute_force_finds() -> None:
    dice = np.random.default_rng(1)
    looks = dice.integers(0, 256, (1200, BYTES)).astype(np.uint8)
    for place in range(800, 1200):
        shaken = looks[place - 800].astype(int) + dice.integers(-3, 4, BYTES)
        looks[place] = shaken.clip(0, 255)
    expected = brute_force(looks)
    assert len(expected) >= 400
    found = set(zip(*(part.tolist() for part in pairs(looks)), strict=True))
    assert found <= expected
    assert len(found) > 0.99 * len(expected)
    new = np.zeros(1200, dtype=bool)
    new[[5, 1100]] = True
    later, earlier = pairs(looks, new)
    assert set(zip(later.tolist(), earlier.tolist(), strict=True)) == {(805, 5), (1100, 300)}
    new[::3] = True
    some = set(zip(*(part.tolist() for part in pairs(looks, new)), strict=True))
    assert some == {(one, other) for one, other in found if new[one] or new[other]}


def brute_force(looks: Signatures) -> set[tuple[int, int]]:
    return {
        (later, int(earlier))
        for later in range(1, len(looks))
        for earlier in np.flatnonzero(alike(looks[:later], looks[later : later + 1]))
    }


def test_a_thousand_of_a_look_are_one_group_all_the_same() -> None:
    one = stack([seen(scene(1))])
    later, earlier = pairs(np.repeat(one, 1000, axis=0))
    assert set(later.tolist()) == set(range(1, 1000))
    assert len(later) <= 32 * 1000
    assert (earlier < later).all()


def test_nothing_is_alike_where_nobody_looked() -> None:
    assert pairs(stack([None] * 50))[0].tolist() == []
    assert pairs(stack([]))[0].tolist() == []


def test_copies_of_small_photos_fold_from_run_to_run(job: Job, tmp_path: Path) -> None:
    """Through decoders and the real model: in a first run, and as what came later."""
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(3):
        scene(number).save(folder / f"a{number}.png")
        copies(scene(number))[2].save(folder / f"b{number}.jpg")
    job(folder)
    assert groups(job) == {("a0.png", "b0.jpg"), ("a1.png", "b1.jpg"), ("a2.png", "b2.jpg")}
    for number in range(40, 80):
        scene(number).save(folder / f"c{number}.png")
    job(folder)
    copies(scene(0))[1].save(folder / "d.jpg")
    job(folder)
    assert ("a0.png", "b0.jpg", "d.jpg") in groups(job)


def groups(job: Job) -> set[tuple[str, ...]]:
    """Whose photos stand together, by name."""
    photos = Photos(current(job.index) / "photos.sqlite")
    rows = photos.get(photos.matching(Filter()).tolist()).values()
    found: dict[int, list[str]] = {}
    for photo in rows:
        found.setdefault(photo.group, []).append(photo.relative)
    return {tuple(sorted(names)) for names in found.values()}


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="SKETCHSEEK_TEST_PHOTOS names no folder of classes of photos")
def test_copies_of_real_small_photographs_look_alike_and_others_of_their_class_do_not() -> None:
    images = [
        Image.open(path).convert("RGB")
        for folder in sorted(PHOTOS.iterdir())[:20]
        for path in sorted(folder.iterdir())[:10]
    ]
    looks = stack(map(seen, images))
    assert len(pairs(looks)[0]) <= 1
    hits = [
        alike(looks[[place]], stack([seen(copy)]))[0]
        for place, image in enumerate(images)
        for copy in copies(image)
    ]
    assert np.mean(hits) > 0.97
