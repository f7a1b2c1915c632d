"""Views: what a learner is shown of each record, once prepared or made anew."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.data.datasets import PHOTO, SKETCH, Record
from model.data.loading import load_image
from model.errors import BadImage
from model.training.views import Annotations, Variety, View, Views, own_photos
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe, with_pairs

RECIPE = tiny_recipe()


def views(folder: Path, per_record: int = 2, seed: int = 0) -> Views:
    data = tiny_data(folder / "data", count=2)
    return Views(data.records, tiny_learner(RECIPE), size=32, per_record=per_record, seed=seed)


def test_prepared_views_equal_those_made_anew(tmp_path: Path) -> None:
    fresh = views(tmp_path).images([0, 5, 9])
    cached = views(tmp_path)
    cached.cache(tmp_path / "cached.f16")
    assert torch.allclose(cached.images([0, 5, 9]), fresh.float(), atol=5e-3)
    assert fresh.shape == (3, cached.images([0]).shape[1], 2, 2)


def test_a_step_chooses_the_same_views_each_time_and_others_than_the_next(tmp_path: Path) -> None:
    cached = views(tmp_path, per_record=4)
    cached.cache(tmp_path / "cached.f16")
    rows = list(range(len(cached)))
    assert torch.equal(cached.images(rows, step=5), cached.images(rows, step=5))
    assert not torch.equal(cached.images(rows, step=5), cached.images(rows, step=6))


def test_a_finished_file_is_taken_as_it_is_and_a_cut_one_is_made_again(tmp_path: Path) -> None:
    file, calls = tmp_path / "cached.f16", []
    first = views(tmp_path)
    first.cache(file, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(first) * 2, len(first) * 2)
    whole = np.load(file).copy()
    calls.clear()
    views(tmp_path).cache(file, lambda done, total: calls.append((done, total)))
    assert not calls
    file.with_suffix(".done").unlink()
    file.write_bytes(file.read_bytes()[:500])
    again = views(tmp_path)
    again.cache(file, lambda done, total: calls.append((done, total)))
    assert calls
    assert np.array_equal(np.load(file), whole)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_call_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool) -> None:
    file, calls = tmp_path / "cached.f16", []
    views(tmp_path).cache(tmp_path / "whole.f16")
    monkeypatch.setattr("model.training.cache._SYNCED", 16)

    def killed(done: int, _: int) -> None:
        if done == 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        views(tmp_path).cache(file, killed)
    if damaged:
        file.write_bytes(file.read_bytes()[:500])
    views(tmp_path).cache(file, lambda done, _: calls.append(done))
    assert calls == ([8, 16, 24, 32] if damaged else [24, 32])
    assert np.array_equal(np.load(file), np.load(tmp_path / "whole.f16"))


def test_other_settings_do_not_take_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cached.f16"
    views(tmp_path).cache(file)
    before = np.load(file).copy()
    views(tmp_path, seed=1).cache(file)
    assert not np.array_equal(np.load(file), before)


def test_views_are_made_anew_in_the_course_of_a_run(tmp_path: Path) -> None:
    data = tiny_data(tmp_path / "data", count=2)
    made = Views(
        data.records,
        tiny_learner(RECIPE),
        size=32,
        per_record=2,
        seed=0,
        variety=Variety(rich=True, turns=3, steps=90),
    )
    made.cache(tmp_path / "views.f16")
    rows = list(range(len(made)))
    plain = made.images(rows)
    seen = [made.images(rows, step=step) for step in (0, 29, 30, 60, 89)]
    assert made.images(rows, step=29).equal(made.images(rows, step=29))
    assert made.images(rows).equal(plain)
    # The same views as those that are made without a file.
    number = {1: 1, 31: 2, 61: 3}
    for step, wanted in number.items():
        slots = np.random.default_rng([0, step]).integers(0, 2, size=len(rows))
        views = [made._view(row, wanted * int(slot)) for row, slot in zip(rows, slots, strict=True)]
        assert torch.allclose(made.images(rows, step=step), made._prepared(views).float(), atol=5e-3)
    assert len({one.numpy().tobytes() for one in seen}) == 5


def test_a_scene_is_made_of_photos_of_other_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tuple(record for record in tiny_data(tmp_path).records if record.modality == PHOTO)
    shown: list[Record] = []

    def told(record: Record, **options: int) -> Image.Image:
        shown.append(record)
        return load_image(record, **options)

    monkeypatch.setattr("model.training.views.load_image", told)
    for number in range(1, 20):
        View(photos[0], number, 0, photos).pixels(32)
    others = [record.label for record in shown if record != photos[0]]
    assert others
    assert photos[0].label not in others


def test_a_sketch_finds_the_photo_of_its_pair_in_its_own_set_only() -> None:
    rows = [
        Record(Path("a.png"), SKETCH, "cat", "7", "one"),
        Record(Path("b.png"), SKETCH, "cat", "7", "two"),
        Record(Path("c.png"), SKETCH, "cat", None, "one"),
        Record(Path("d.jpg"), PHOTO, "cat", "7", "one"),
    ]
    assert own_photos(rows).tolist() == [3, -1, -1, -1]


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n not really")
    damaged = Views([Record(broken, PHOTO, "cat")], tiny_learner(RECIPE), size=32, per_record=1, seed=0)
    with pytest.raises(BadImage, match=r"broken\.png"):
        damaged.images([0])


def test_annotations_go_row_by_row(tmp_path: Path) -> None:
    data, learner = with_pairs(tiny_data(tmp_path, count=1)), tiny_learner(RECIPE)
    known = Annotations.of(data.records, data.labels, ["{}", "a {}"], learner)
    assert [known.names[place] for place in known.labels] == [record.label for record in data.records]
    assert known.words is not None
    # However long the names are.
    for name, words in zip(known.names, known.words, strict=True):
        assert torch.equal(words, learner.read([name, f"a {name}"]))
    for row, own in enumerate(known.own_photo.tolist()):
        assert (own == -1) == (known.records[row].modality == PHOTO)
        assert own == -1 or known.records[own].label == known.records[row].label
