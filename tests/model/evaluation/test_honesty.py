"""The tests of explanations tell an honest explainer from one that points anywhere."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.evaluation.embedding import Embedded
from model.evaluation.explained import Explained
from model.evaluation.honesty import Photo, Subject, chosen, deletion, distances, examined
from model.evaluation.tasks import Questions

Pixels = NDArray[np.uint8]
SIDE = 4


@pytest.fixture
def questions() -> Questions:
    """Three drawings and photos of each label; a picture is a square in a cell, a drawing in that of its own photo."""
    records = []
    for label in ("bell", "cup"):
        for number in range(3):
            for modality in (SKETCH, PHOTO):
                records.append(Record(Path(f"{label}{number}"), modality, label, f"{label}{number}", "toys"))
    data = Dataset("toys", tuple(records))
    return Questions(Embedded(data, np.ones((len(data), 4), dtype=np.float32)), None, 0.5)


def pixels(record: Record) -> Pixels:
    """Seven cells, from one that depends on the thing; photos of other things have them elsewhere."""
    first = {"bell": 0, "cup": 8}[record.label] + int(record.path.name[-1])
    page = np.full((64, 64, 3), 255, dtype=np.uint8)
    for cell in range(first, first + 5):
        row, column = divmod(cell, SIDE)
        page[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = 10 * cell
    return page


class Comparing:
    """A score is the number of cells that have ink in both; `honest` says which these are."""

    def __init__(self, *, honest: bool = True, same: bool = True) -> None:
        self.honest, self.same = honest, same
        self._calls = 0

    def __call__(self, sketch: Pixels, photo: Pixels) -> Explained:
        self._calls += 1
        drawn, shown = (self._inked(each) for each in (sketch, photo))
        both = drawn & shown
        adds = both.astype(np.float32)
        if not self.honest:
            adds = np.where(both, 0, 1).astype(np.float32)

        def without(sets: Sequence[Collection[int]]) -> NDArray[np.float32]:
            return np.array([both.sum() - both[list(cells)].sum() for cells in sets], dtype=np.float32)

        match = np.where(both, np.arange(SIDE**2), shown.argmax())
        strength = adds + (0 if self.same else self._calls)
        return Explained(float(both.sum()), match, strength, adds, adds, drawn, (None, None), without)

    def _inked(self, picture: Pixels) -> NDArray[np.bool_]:
        return (picture[8::16, 8::16, 0] < 255).ravel()


def subject(explain: Comparing) -> Subject:
    def similarity(sketch: Pixels, photo: Pixels) -> float:
        return -float(np.abs(sketch.astype(int) - photo.astype(int)).mean())

    return Subject(explain, pixels, similarity)


def test_drawings_come_with_their_own_photo_and_two_others(questions: Questions) -> None:
    tried = chosen(questions)
    assert len(tried) == 6
    records = questions.embedded.data.records
    for each in tried:
        drawn = records[each.sketch]
        own, same, other = (records[each.photos[kind]] for kind in Photo)
        assert own.pair == drawn.pair != same.pair
        assert drawn.label == same.label != other.label
    assert chosen(questions) == tried, "always the same"
    assert len(chosen(questions, most=2)) == 2


def test_an_honest_explainer(questions: Questions) -> None:
    records = questions.embedded.data.records
    found = examined(subject(Comparing()), records, chosen(questions))
    own, same, other = found.photos
    assert (own.photo, same.photo, other.photo) == tuple(Photo)
    assert own.score == 5 > same.score > other.score
    assert own.collage > same.collage > other.collage
    assert own.distance == 0 < found.chance
    most, random, used = found.removed
    assert most.fall == 5 == used.fall > random.fall
    assert most.area > random.area
    assert (found.worse, found.same, found.drawings) == (1.0, 6, 6)
    text = found.markdown()
    assert "| its own | 6 | 5.000 |" in text
    assert "for 100% of the drawings" in text


def test_one_that_points_anywhere_is_found_out(questions: Questions) -> None:
    records = questions.embedded.data.records
    found = examined(subject(Comparing(honest=False)), records, chosen(questions))
    assert found.removed[0].fall < found.removed[1].fall
    assert found.worse < 0.5


def test_one_that_changes_its_mind_is_found_out(questions: Questions) -> None:
    records = questions.embedded.data.records
    assert examined(subject(Comparing(same=False)), records, chosen(questions)).same == 0


def test_without_pairs_a_photo_of_the_class_stands_in(questions: Questions) -> None:
    questions.paired_sketches[:] = False
    tried = chosen(questions)
    assert {kind for each in tried for kind in each.photos} == {Photo.SAME, Photo.OTHER}
    found = examined(subject(Comparing()), questions.embedded.data.records, tried)
    assert [row.photo for row in found.photos] == [Photo.SAME, Photo.OTHER]


def test_deletion_takes_more_and_more(questions: Questions) -> None:
    record = questions.embedded.data.records[0]
    told = Comparing()(pixels(record), pixels(record))
    fell = deletion(told, np.random.default_rng(0))
    assert fell.shape == (3, 8), "up to half of the cells"
    assert fell[0].tolist() == [1, 2, 3, 4, 5, 5, 5, 5]
    assert fell[2].tolist() == fell[0].tolist(), "whatever matches is all that counts"
    assert distances(told).max() == 0


def test_blank_drawings_cannot_be_explained(questions: Questions) -> None:
    def blank(record: Record) -> Pixels:
        return np.full((64, 64, 3), 255, dtype=np.uint8)

    blanks = Subject(Comparing(), blank, lambda sketch, photo: 0.0)
    with pytest.raises(DataProblem, match="no drawing that was tried has a line"):
        examined(blanks, questions.embedded.data.records, chosen(questions))
