"""Quads: what stands beside a sketch, in which order, and how often."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.training.blocks.quads import Part, Quads
from model.training.views import own_photos
from tests.kit.training import with_pairs


def draws(quads: Quads, parts: int, steps: int = 100) -> list[tuple[int, ...]]:
    found = []
    for step in range(steps):
        rows = quads(step).all
        count = len(rows) // parts
        found += list(zip(*(rows[at * count : (at + 1) * count] for at in range(parts)), strict=True))
    return found


def test_a_quad_is_a_sketch_its_photo_one_like_it_and_another(figures: Dataset) -> None:
    records = with_pairs(figures).records
    own = own_photos(records)
    quads = Quads(records, own, 8, seed=3)
    assert len(quads(0).all) == 8
    seen: tuple[set[int], ...] = (set(), set(), set(), set())
    for sketch, its_own, same, other in draws(quads, 4):
        assert records[sketch].modality == SKETCH
        assert {records[row].modality for row in (its_own, same, other)} == {PHOTO}
        assert its_own == own[sketch] != same
        assert records[same].label == records[sketch].label != records[other].label
        for rows, row in zip(seen, (sketch, its_own, same, other), strict=True):
            rows.add(row)
    assert [len(rows) for rows in seen] == [12] * 4, "no picture is left out"


def test_a_step_depends_on_its_number_and_the_seed_only(figures: Dataset) -> None:
    records = figures.records
    one, same, other = (Quads(records, own_photos(records), 16, seed=seed) for seed in (1, 1, 2))
    assert [one(step).all for step in (4, 1)] == [same(4).all, same(1).all]
    assert one(0).all != one(1).all
    assert one(0).all != other(0).all


def test_without_its_own_photo_one_of_its_label_stands_in(figures: Dataset) -> None:
    records = figures.records
    own = own_photos(records)
    assert (own < 0).all()
    for sketch, its_own, same, _ in draws(Quads(records, own, 8, seed=0), 4):
        assert its_own == same
        assert records[same].label == records[sketch].label


def test_only_sketches_with_a_photo_of_their_own_are_drawn_if_it_must_be_that(figures: Dataset) -> None:
    records = list(with_pairs(figures).records)
    lone = next(row for row, record in enumerate(records) if record.modality == SKETCH)
    records[lone] = replace(records[lone], pair=None)
    own = own_photos(records)
    pair = (Part.SKETCH, Part.OWN)
    found = draws(Quads(records, own, 8, seed=0, parts=pair, paired=True), 2)
    assert all(own[sketch] == photo for sketch, photo in found)
    assert lone in {sketch for sketch, _ in draws(Quads(records, own, 8, seed=0, parts=pair), 2)}


def test_labels_come_up_evenly(figures: Dataset) -> None:
    """A label with one drawing counts as much as those with three, and its other photos' labels likewise."""
    drawn = [
        row
        for row, record in enumerate(figures.records)
        if (record.label, record.modality) == ("box", SKETCH)
    ]
    records = [record for row, record in enumerate(figures.records) if row not in drawn[1:]]
    found = draws(Quads(records, own_photos(records), 8, seed=0), 4, steps=1000)
    for place in (0, 3):
        counts = Counter(records[quad[place]].label for quad in found)
        assert min(counts.values()) > 400, counts
        assert max(counts.values()) < 600, counts


def test_the_only_photo_of_a_label_may_be_its_own(figures: Dataset) -> None:
    kept = [
        record
        for record in with_pairs(figures).records
        if record.modality == SKETCH or record.path.stem == "0"
    ]
    own = own_photos(kept)
    found = draws(Quads(kept, own, 8, seed=0), 4)
    assert any(own[sketch] == same for sketch, _, same, _ in found)


def test_labels_without_photos_or_drawings_are_left_out(figures: Dataset) -> None:
    bare = {("ball", PHOTO), ("box", SKETCH)}
    records: list[Record] = [r for r in figures.records if (r.label, r.modality) not in bare]
    found = draws(Quads(records, own_photos(records), 8, seed=0), 4)
    assert {records[quad[0]].label for quad in found} == {"cross", "stairs"}
    assert {records[quad[3]].label for quad in found} == {"box", "cross", "stairs"}


def test_nothing_to_compare_with_is_one_clear_error(figures: Dataset) -> None:
    alone = figures.subset(["ball"]).records
    with pytest.raises(DataProblem, match="no sketch has the photos"):
        Quads(alone, own_photos(alone), 8, seed=0)
    with pytest.raises(DataProblem, match="no sketch has the photos"):
        Quads(
            figures.records, np.full(len(figures), -1), 8, seed=0, parts=(Part.SKETCH, Part.OWN), paired=True
        )
