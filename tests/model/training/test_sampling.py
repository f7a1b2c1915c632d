"""Batches: even, mixed, repeatable and free of state."""

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.datasets import PHOTO, SKETCH, DataProblem, Record
from model.training.sampling import (
    BalancedSampler,
    InstanceSampler,
    LabelsOfInstances,
    ShareSampler,
    StepSampler,
)


def records(sizes: dict[str, tuple[int, int]], *, paired: bool = False) -> list[Record]:
    return [
        Record(Path(label, modality, str(number)), modality, label, f"{label}{number}" if paired else None)
        for label, counts in sizes.items()
        for modality, count in zip((SKETCH, PHOTO), counts, strict=True)
        for number in range(count)
    ]


SIZES = {"cat": (200, 40), "dog": (3, 3), "cow": (0, 7), "ant": (5, 0), "bee": (0, 1)}


def test_labels_come_up_evenly_however_large_they_are() -> None:
    rows = records(SIZES)
    sampler = BalancedSampler(rows, 10, seed=1)
    assert sampler.steps_per_round == 1
    drawn = [rows[index] for batch in islice(sampler.batches(), 60) for index in batch]
    assert Counter(record.label for record in drawn) == dict.fromkeys(SIZES, 120)
    cats = Counter(record.modality for record in drawn if record.label == "cat")
    assert cats == {SKETCH: 60, PHOTO: 60}


def test_each_visit_brings_a_sketch_and_a_photo_of_the_label() -> None:
    rows = records(SIZES)
    for batch in islice(BalancedSampler(rows, 10, seed=3).batches(), 20):
        pairs = list(zip(batch[::2], batch[1::2], strict=True))
        for left, right in pairs:
            assert rows[left].label == rows[right].label
            if rows[left].label in ("cat", "dog"):
                assert (rows[left].modality, rows[right].modality) == (SKETCH, PHOTO)


def test_no_image_repeats_before_all_of_its_kind_were_seen() -> None:
    rows = records({"cat": (6, 4)})
    sampler = BalancedSampler(rows, 2, seed=0)
    drawn = [index for batch in islice(sampler.batches(), 6) for index in batch]
    assert {index for index in drawn if rows[index].modality == SKETCH} == set(range(6))
    assert sorted(index for index in drawn[:8] if rows[index].modality == PHOTO) == [6, 7, 8, 9]


def test_a_run_goes_on_where_it_stopped() -> None:
    rows = records(SIZES)
    whole = list(islice(BalancedSampler(rows, 10, seed=5).batches(), 30))
    assert list(islice(BalancedSampler(rows, 10, seed=5).batches(start=17), 13)) == whole[17:]
    assert BalancedSampler(rows, 10, seed=5).batch(29) == whole[29]
    assert list(islice(BalancedSampler(rows, 10, seed=6).batches(), 30)) != whole


def test_evenness_lets_larger_labels_come_up_more_often() -> None:
    rows = records({"many": (0, 100), "one": (0, 1)})

    def share(evenness: float) -> float:
        sampler = BalancedSampler(rows, 1, seed=2, per_label=1, evenness=evenness)
        drawn = [rows[sampler.batch(step)[0]].label for step in range(1010)]
        return drawn.count("many") / drawn.count("one")

    assert share(1.0) == pytest.approx(1, rel=0.02)
    assert share(0.5) == pytest.approx(10, rel=0.05)
    assert share(0.0) == pytest.approx(100, rel=0.02)


def drawn_from(rows: list[Record]) -> np.ndarray:
    """Rows of the photos that the drawings were made from."""
    photos = {record.pair: row for row, record in enumerate(rows) if record.modality == PHOTO}
    own = [photos.get(record.pair, -1) if record.modality == SKETCH else -1 for record in rows]
    return np.array(own)


def test_instances_are_drawings_of_one_label_each_with_its_own_photo() -> None:
    rows = records({"shoe": (10, 10), "boot": (9, 9), "cup": (4, 4), "bee": (0, 9)}, paired=True)
    own = drawn_from(rows)
    sampler = InstanceSampler(rows, own, 6, seed=9)
    assert len(sampler) == 12
    met = set()
    for batch in map(sampler.batch, range(30)):
        sketches, photos = batch[::2], batch[1::2]
        assert own[sketches].tolist() == photos
        assert len(set(photos)) == 6
        assert len({rows[row].label for row in batch}) == 1
        met.add(rows[batch[0]].label)
    assert met == {"shoe", "boot"}
    assert sampler.batch(7) == InstanceSampler(rows, own, 6, seed=9).batch(7) != sampler.batch(8)


def test_too_few_photos_that_were_drawn_from_make_no_instances() -> None:
    rows = records({"shoe": (5, 5)}, paired=True)
    own = drawn_from(rows)
    sampler = InstanceSampler(rows, own, 6, seed=0)
    assert (len(sampler), sampler.batch(0)) == (0, [])
    assert len(InstanceSampler(rows, own, 0, seed=0)) == 0


def test_a_step_shows_instances_beside_what_is_drawn_evenly() -> None:
    rows = records({"shoe": (5, 5), "cup": (4, 4)}, paired=True)
    sampler = StepSampler(rows, drawn_from(rows), 10, 2, seed=3)
    shown = sampler(4)
    assert (len(shown.evenly), len(shown.instances)) == (6, 4)
    assert shown.all == shown.evenly + shown.instances
    assert shown == StepSampler(rows, drawn_from(rows), 10, 2, seed=3)(4) != sampler(5)


def test_a_step_may_show_more_of_a_label_at_once() -> None:
    rows = records({"shoe": (5, 5), "cup": (4, 4), "hat": (3, 9)})
    own = np.full(len(rows), -1)
    for step in range(9):
        shown = [rows[row] for row in StepSampler(rows, own, 8, 0, 3, per_label=4)(step).all]
        assert [len({record.label for record in shown[at : at + 4]}) for at in (0, 4)] == [1, 1]
        assert Counter(record.modality for record in shown) == {SKETCH: 4, PHOTO: 4}


def test_a_share_of_a_batch_are_sketches() -> None:
    rows = records(SIZES)
    sampler, seen = ShareSampler(rows, 12, 1 / 3, seed=2), set()
    for step in range(200):
        shown = sampler(step)
        assert Counter(rows[row].modality for row in shown.all) == {SKETCH: 4, PHOTO: 8}
        assert shown == ShareSampler(rows, 12, 1 / 3, seed=2)(step)
        seen.update(shown.all)
    assert seen == set(range(len(rows))), "no picture is left out"
    assert Counter(rows[row].modality for row in ShareSampler(rows, 2, 1 / 9, seed=2)(0).all) == {
        SKETCH: 1,
        PHOTO: 1,
    }


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any), min_size=1, max_size=6),
    per_label=st.integers(1, 3),
    visits=st.integers(1, 5),
    seed=st.integers(0, 99),
    evenness=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_any_collection_fills_its_batches_and_leaves_nothing_out(
    sizes: list[tuple[int, int]], per_label: int, visits: int, seed: int, evenness: float
) -> None:
    rows = records({str(number): pair for number, pair in enumerate(sizes)})
    sampler = BalancedSampler(rows, per_label * visits, seed, per_label=per_label, evenness=evenness)
    seen: set[int] = set()
    for batch in islice(sampler.batches(), 400):
        assert len(batch) == per_label * visits
        seen.update(batch)
    assert seen == set(range(len(rows)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"batch": 5}, "a batch of 5 cannot be filled with 2"),
        ({"batch": 0}, "a batch of 0"),
        ({"batch": 4, "evenness": 1.5}, "evenness is 1.5"),
    ],
)
def test_settings_that_cannot_be(arguments: dict[str, float], complaint: str) -> None:
    with pytest.raises(DataProblem, match=complaint):
        BalancedSampler(records(SIZES), seed=0, **arguments)  # type: ignore[arg-type]


def test_nothing_to_sample_from() -> None:
    with pytest.raises(DataProblem, match="nothing to sample from"):
        BalancedSampler([], 4, 0)


OWN = np.array([row + 5 if row % 10 < 5 else -1 for row in range(50)])


def of_labels(count: int, batch: int, labels: int = 5) -> LabelsOfInstances:
    """Five drawings and five photos of each label, each drawing of the photo in its place."""
    rows = records({f"label {number}": (5, 5) for number in range(labels)}, paired=True)
    return LabelsOfInstances(rows, OWN[: len(rows)], batch, count, seed=2)


def test_instances_of_several_labels_come_label_by_label_with_their_photos() -> None:
    sampler = of_labels(3, 20)
    seen = set()
    for step in range(50):
        rows = sampler(step)
        assert rows == sampler(step), "a step depends on its number only"
        assert rows.evenly == []
        assert len(rows.instances) == 18, "as many labels as fit"
        assert len({row // 10 for row in rows.instances}) == 3
        for place in range(0, 18, 6):
            some = rows.instances[place : place + 6]
            assert len({row // 10 for row in some}) == 1
            assert len(set(some)) == 6
            assert [OWN[row] for row in some[::2]] == some[1::2]
        seen.update(rows.instances)
    assert len(seen) == 50


@pytest.mark.parametrize(("count", "batch", "labels"), [(3, 11, 5), (6, 60, 5), (1, 20, 5), (3, 20, 1)])
def test_instances_of_fewer_than_two_labels_are_refused(count: int, batch: int, labels: int) -> None:
    with pytest.raises(DataProblem, match="change `instances` or `batch`"):
        of_labels(count, batch, labels)


def test_a_step_may_have_more_pictures_of_a_label() -> None:
    rows = records({"cat": (9, 9), "dog": (9, 9), "cow": (9, 9)})
    sampler = StepSampler(rows, np.full(len(rows), -1), 4, 0, seed=1, per_label=4)
    for step in range(6):
        found = [rows[row] for row in sampler(step).evenly]
        assert len({record.label for record in found}) == 1
        assert Counter(record.modality for record in found) == {SKETCH: 2, PHOTO: 2}
