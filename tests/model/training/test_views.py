"""Views: what a learner is shown of each record, once prepared or made anew."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.data.datasets import PHOTO, SKETCH, Record
from model.errors import BadImage
from model.training.views import EDGES, Material, as_edges, own_photos, with_pseudo_sketches
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe

RECIPE = tiny_recipe()


def material(folder: Path, views: int = 2, seed: int = 0) -> Material:
    data = tiny_data(folder / "data", count=2)
    return Material(data.records, tiny_learner(RECIPE), size=32, views=views, seed=seed)


def test_prepared_views_equal_those_made_anew(tmp_path: Path) -> None:
    fresh = material(tmp_path).images([0, 5, 9])
    kept = material(tmp_path)
    kept.keep(tmp_path / "kept.f16")
    assert torch.allclose(kept.images([0, 5, 9]), fresh.float(), atol=5e-3)
    assert fresh.shape == (3, kept.images([0]).shape[1], 2, 2)


def test_a_step_chooses_the_same_views_each_time_and_others_than_the_next(tmp_path: Path) -> None:
    kept = material(tmp_path, views=4)
    kept.keep(tmp_path / "kept.f16")
    rows = list(range(len(kept)))
    assert torch.equal(kept.images(rows, step=5), kept.images(rows, step=5))
    assert not torch.equal(kept.images(rows, step=5), kept.images(rows, step=6))


def test_a_finished_file_is_taken_as_it_is_and_a_cut_one_is_made_again(tmp_path: Path) -> None:
    file, calls = tmp_path / "kept.f16", []
    first = material(tmp_path)
    first.keep(file, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(first) * 2, len(first) * 2)
    whole = np.load(file).copy()
    calls.clear()
    material(tmp_path).keep(file, lambda done, total: calls.append((done, total)))
    assert not calls
    file.with_suffix(".done").unlink()
    file.write_bytes(file.read_bytes()[:500])
    again = material(tmp_path)
    again.keep(file, lambda done, total: calls.append((done, total)))
    assert calls
    assert np.array_equal(np.load(file), whole)


def test_other_settings_do_not_take_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "kept.f16"
    material(tmp_path).keep(file)
    before = np.load(file).copy()
    material(tmp_path, seed=1).keep(file)
    assert not np.array_equal(np.load(file), before)


def test_photos_come_as_pseudo_sketches_that_know_their_photo(tmp_path: Path) -> None:
    records = tiny_data(tmp_path, count=1).records
    more = with_pseudo_sketches(records)
    photos = [record for record in records if record.modality == PHOTO]
    assert len(more) == len(records) + len(photos)
    own = own_photos(more)
    for row, record in enumerate(more):
        if record.note == EDGES:
            assert record.modality == SKETCH
            assert more[own[row]].path == record.path
            assert more[own[row]].modality == PHOTO
        else:
            assert own[row] == -1
    assert with_pseudo_sketches(records, smallest_side=500) == records


def test_a_sketch_finds_the_photo_of_its_pair_in_its_own_set_only() -> None:
    rows = [
        Record(Path("a.png"), SKETCH, "cat", "7", "one"),
        Record(Path("b.png"), SKETCH, "cat", "7", "two"),
        Record(Path("c.png"), SKETCH, "cat", None, "one"),
        Record(Path("d.jpg"), PHOTO, "cat", "7", "one"),
    ]
    assert own_photos(rows).tolist() == [3, -1, -1, -1]


def test_a_pseudo_sketch_is_dark_lines_on_white(tmp_path: Path) -> None:
    photo = next(record for record in tiny_data(tmp_path, count=1).records if record.modality == PHOTO)
    edges = Material([as_edges(photo)], tiny_learner(RECIPE), size=64, views=1, seed=0)
    pixels = edges._view(0, 0).pixels(64)
    assert np.median(pixels) == 255
    assert (pixels < 128).mean() > 0.01


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n not really")
    damaged = Material([Record(broken, PHOTO, "cat")], tiny_learner(RECIPE), size=32, views=1, seed=0)
    with pytest.raises(BadImage, match=r"broken\.png"):
        damaged.images([0])
