"""Pooled maps: what they are of a picture, and what is measured of them."""

import numpy as np
import pytest
import torch
from torch import Tensor

from model.data.datasets import Dataset
from model.errors import ModelError
from model.training.blocks.pooled import Pooled, PooledOptions, leave_heads
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.recipe import RecipeProblem, read_recipe
from model.training.views import Annotations, Views
from tests.kit.training import tiny_learner, tiny_network, tiny_recipe, tiny_views

STAGES = (3, 4)


class Setting:
    """A learner that cuts after stage 3, and some pictures; one drawing of a ball is missing."""

    def __init__(self, data: Dataset) -> None:
        recipe = tiny_recipe(frozen_stages=4)
        self.learner = tiny_learner(recipe)
        self.records = data.records[:-1]
        network = tiny_network(recipe)
        network.learner = self.learner
        self.views: Views = tiny_views(self.records, network)
        self.known = Annotations.of(self.records, data.labels, recipe.captions, self.learner)
        self.pooled = Pooled(STAGES, 5)
        self.width = self.pooled.fit(self.learner, self.views.images([0], 0))
        self.pooled.measure(self.learner, self.views, self.known)

    def raw(self) -> Tensor:
        with torch.no_grad():
            return self.pooled.raw(self.learner, self.views.images(list(range(len(self.records)))))

    def rows(self, kind: int) -> list[int]:
        return np.flatnonzero(self.known.modality == kind).tolist()


@pytest.fixture(scope="module")
def setting(figures: Dataset) -> Setting:
    return Setting(figures)


def test_each_stage_is_averaged_over_its_places_behind_the_whole(setting: Setting) -> None:
    inputs = setting.views.images([0, 5])
    with torch.no_grad():
        found = setting.pooled.raw(setting.learner, inputs)
        maps = setting.learner.maps(inputs, STAGES)
    for row in range(2):
        wanted = maps.whole[row].tolist()
        for stage in maps.stages:
            for channel in stage[row]:
                wanted.append(float(channel.sum()) / channel.numel())
        assert torch.allclose(found[row], torch.tensor(wanted), atol=1e-5)
    assert setting.width == found.shape[1]


@pytest.mark.parametrize("kind", [PHOTO, SKETCH])
def test_each_modality_is_standardised_by_its_own_labels_all_weighing_the_same(
    setting: Setting, kind: int
) -> None:
    rows, raw = setting.rows(kind), setting.raw().double()
    weights = []
    for row in rows:
        alike = sum(setting.known.labels[other] == setting.known.labels[row] for other in rows)
        weights.append(1 / (alike * len(set(setting.known.labels[rows].tolist()))))
    weighted = torch.tensor(weights, dtype=torch.double)[:, None]
    assert len({round(weight, 6) for weight in weights}) == (2 if kind == SKETCH else 1)
    mean = (weighted * raw[rows]).sum(0)
    deviation = (weighted * (raw[rows] - mean) ** 2).sum(0).sqrt().clamp(min=1e-3)
    wanted = ((raw[rows] - mean) / deviation).float()
    with torch.no_grad():
        inputs = setting.views.images(rows)
        found = setting.pooled(setting.learner, inputs, torch.full((len(rows),), kind))
    assert torch.allclose(found, wanted, atol=2e-2, rtol=1e-3)


def test_principal_numbers_keep_as_much_of_the_photos_as_five_can(setting: Setting) -> None:
    photos = setting.pooled.standard(setting.raw(), torch.tensor(setting.known.modality))[setting.rows(PHOTO)]
    found = setting.pooled.reduced(photos)
    assert found.shape == (len(photos), 5)
    assert torch.allclose(found.norm(dim=1), torch.ones(len(found)), atol=1e-5)
    _, _, directions = torch.linalg.svd(photos - photos.mean(0))
    wanted = torch.nn.functional.normalize(photos @ directions[:5].T, dim=1)
    assert torch.allclose(found @ found.T, wanted @ wanted.T, atol=1e-2)


def test_reduced_vectors_are_precise_in_half_precision_too(setting: Setting) -> None:
    vectors = torch.randn(3, setting.width)
    wanted = setting.pooled.reduced(vectors)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(setting.pooled.reduced(vectors), wanted)


def test_too_few_numbers_are_one_clear_error(setting: Setting) -> None:
    with pytest.raises(ModelError, match="use a smaller `dimension`") as caught:
        Pooled(STAGES, 5000).fit(setting.learner, setting.views.images([0], 0))
    assert str(setting.width) in str(caught.value)


def test_what_it_measured_is_saved(setting: Setting) -> None:
    assert set(setting.pooled.state_dict()) == {"mean", "deviation", "directions"}


def test_heads_are_left_alone(figures: Dataset) -> None:
    learner = tiny_learner(tiny_recipe(frozen_stages=4))
    leave_heads(learner)
    still = {name for name, value in learner.named_parameters() if not value.requires_grad}
    assert {"projection.weight", "text.weight", "text.bias"} <= still
    assert len(still) < len(list(learner.parameters())), "the tower is as it was"


def test_towers_without_stages_are_refused_with_the_recipe() -> None:
    with pytest.raises(RecipeProblem, match="maps of single stages come from `lite` towers only"):
        read_recipe("lite-base", "cvae", towers="open_clip")
    PooledOptions().check("lite")


def test_principal_numbers_lead_back_to_what_they_say_of_a_vector(setting: Setting) -> None:
    vectors, axes = torch.randn(40, setting.width), setting.pooled.directions[:3]
    numbers = setting.pooled.numbers(vectors, 3)
    back = setting.pooled.with_numbers(numbers)
    assert torch.allclose(back, vectors @ axes.T @ axes, atol=1e-4)
    assert torch.allclose(setting.pooled.numbers(back, 3), numbers, atol=1e-4)
    # Were a vector all of these three directions, each number would vary by one.
    whole = torch.randn(500, 3) @ axes * (setting.width / 3) ** 0.5
    assert setting.pooled.numbers(whole, 3).std().item() == pytest.approx(1, abs=0.1)
