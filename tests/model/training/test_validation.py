"""Validation: the same vectors as an index holds, alone and among photos of the training figures."""

import numpy as np
import pytest

from model.data.datasets import PHOTO, DataProblem, Dataset
from model.evaluation.embedding import Embedded
from model.evaluation.tasks import evaluate
from model.training import validation
from model.training.network import Network
from model.training.validation import embedded, photo_rows, zero_shot
from tests.kit.training import LABELS, tiny_network, tiny_recipe, tiny_views


@pytest.fixture(scope="module")
def network() -> Network:
    return tiny_network(tiny_recipe())


def test_both_galleries_give_what_evaluate_gives(figures: Dataset, network: Network) -> None:
    unseen, seen = figures.subset(LABELS[:2]), figures.without(LABELS[:2])
    asked, views = tiny_views(unseen.records, network), tiny_views(seen.records, network)
    question, rows = zero_shot(network, asked), photo_rows(views, 4)
    vectors = embedded(network, asked, range(len(asked)))
    others = Embedded(Dataset("o", tuple(seen.records[row] for row in rows)), embedded(network, views, rows))
    report = evaluate(
        Embedded(unseen, vectors, distractors=others), model="m", tasks=["zero-shot"], counts=(0, 4)
    )
    for row, asks in zip(report.library, (question, question.among(others.vectors)), strict=True):
        assert {name: validation.figures(asks)[name] for name in row.figures} == row.figures
    assert report.library[1].gallery == 10


def test_training_photos_are_always_the_same_and_few_are_part_of_many(
    figures: Dataset, network: Network
) -> None:
    views = tiny_views(figures.records, network)
    rows = photo_rows(views, 100)
    assert sorted(rows) == [row for row, each in enumerate(views.records) if each.modality == PHOTO]
    assert photo_rows(views, 5) == rows[:5]
    back = tiny_views(figures.records[::-1], network)
    assert [back.records[row] for row in photo_rows(back, 5)] == [views.records[row] for row in rows[:5]]


def test_it_leaves_the_network_as_it_was(figures: Dataset, network: Network) -> None:
    views = tiny_views(figures.records, network)
    for training in (True, False):
        network.train(training)
        found = embedded(network, views, range(3))
        assert network.training is training
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_it_needs_both_modalities(figures: Dataset, network: Network) -> None:
    with pytest.raises(DataProblem, match="needs unseen labels with both sketches and photos"):
        zero_shot(network, tiny_views(figures.of(PHOTO), network))
