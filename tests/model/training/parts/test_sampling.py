"""The batches: which drawings are next to which photos."""

from dataclasses import replace

import numpy as np
import pytest

from model.data.datasets import DataProblem
from model.training.parts.sampling import Material, Needed, Sampler
from tests.kit.parts import SMALL, material


def test_each_drawing_is_next_to_its_own_photo_or_one_of_its_class() -> None:
    found = Material.of(material(), 0)
    tables = found.pictures(0)
    sampler = Sampler(found, SMALL)
    mirrored = set()
    for step in range(30):
        batch = sampler(step)
        drawings = [
            tables[name][row]
            for name, rows in (("sketches", batch.sketches), ("pseudo", batch.pseudo), ("loose", batch.loose))
            for row in rows
        ]
        photos = [tables["photos"][row] for row in batch.photos]
        assert len(drawings) == len(photos) == len(batch.labels)
        for number, (drawn, shown) in enumerate(zip(drawings, photos, strict=True)):
            assert drawn.record.label == shown.record.label
            if number < batch.paired:
                assert drawn.record.path.name == shown.record.path.name
                # A mirrored drawing goes with the mirrored photo.
                assert drawn.mirrored == shown.mirrored
                mirrored.add(drawn.mirrored)
        assert len({*batch.labels}) > 1
    assert mirrored == {False, True}


def test_a_batch_depends_only_on_the_seed_and_the_step() -> None:
    found = Material.of(material(), 0)
    one, other = Sampler(found, SMALL), Sampler(found, SMALL)
    one(0)
    assert np.array_equal(one(7).photos, other(7).photos)
    reseeded = Sampler(found, SMALL.model_copy(update={"seed": 1}))
    assert not np.array_equal(one(7).photos, reseeded(7).photos)


def test_photos_that_were_drawn_come_up_equally_often() -> None:
    data = material()
    # Of one label, only two photos have drawings; of the other, three.
    fewer = data.where(lambda record: not (record.label == "ball" and record.path.name == "2.png"))
    found = Material.of(fewer, 0)
    sampler = Sampler(found, SMALL.model_copy(update={"labels": 1, "pseudo": 0, "loose": 0}))
    labels = [found.photos[sampler(step).photos[0] % len(found.photos)].label for step in range(1000)]
    assert abs(labels.count("ball") / 1000 - 2 / 5) < 0.06


def test_without_own_photos_drawings_made_of_photos_remain() -> None:
    data = material()
    lone = replace(data, records=tuple(replace(record, pair=None) for record in data.records))
    found = Material.of(lone, 0)
    batch = Sampler(found, SMALL)(0)
    assert len(batch.sketches) == 0
    assert len(batch.pseudo) > 0
    assert len(batch.loose) == 2
    with pytest.raises(DataProblem, match="no drawing has its own photo"):
        Sampler(found, SMALL.model_copy(update={"pseudo": 0}))


def test_only_pictures_that_a_step_shows_are_needed() -> None:
    found = Material.of(material(), 0)
    tables = found.pictures(0)
    sampler = Sampler(found, SMALL)
    needed = Needed(sampler, 3)
    prepared = {name: [tables[name][row] for row in rows] for name, rows in needed.rows.items()}
    shown = {name: set[object]() for name in tables}
    for step in range(3):
        batch, condensed = sampler(step), needed(step)
        for name, table in tables.items():
            pictures = [table[row] for row in getattr(batch, name)]
            assert [prepared[name][row] for row in getattr(condensed, name)] == pictures
            shown[name].update(pictures)
        assert np.array_equal(condensed.labels, batch.labels)
    assert {name: set(pictures) for name, pictures in prepared.items()} == shown
    assert len(prepared["photos"]) < len(tables["photos"])


def test_without_drawings_made_of_photos_none_are_needed() -> None:
    needed = Needed(Sampler(Material.of(material(), 0), SMALL.model_copy(update={"pseudo": 0})), 2)
    assert len(needed.rows["pseudo"]) == len(needed(1).pseudo) == 0
