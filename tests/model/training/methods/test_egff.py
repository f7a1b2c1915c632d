"""EGFF: the vector of a picture, where projection and proxies start, and its loss."""

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import PHOTO, SKETCH, Dataset
from model.errors import ModelError
from model.training.blocks.fusing import energy
from model.training.methods.egff import Egff
from model.training.objective import Objective
from model.training.recipe import RecipeProblem, read_recipe
from tests.kit.training import tiny_objective

SMALL = {"architecture": "tf_efficientnet_lite0", "dimension": 8, "size": 64, "batch": 8, "views": 1}


def objective(data: Dataset, **changes: object) -> Objective:
    return tiny_objective(read_recipe("lite-base", "egff", **(SMALL | changes)), data)


def test_three_stages_are_fused_into_a_unit_vector(figures: Dataset) -> None:
    found = objective(figures)
    method, inputs = found.method, found.views.images([0, 1, 2])
    assert isinstance(method, Egff)
    with torch.no_grad():
        third, fourth, sixth = found.learner.maps(inputs, (3, 4, 6)).stages
        assert torch.equal(third, inputs), "the lowest is what is cached"
        pooled = []
        for maps, down in zip((third, fourth), method.fusing.down, strict=True):
            deep = F.interpolate(down(sixth), maps.shape[-2:], mode="bilinear", align_corners=False)
            gate = torch.sigmoid(energy(F.relu(maps + deep)))
            pooled.append((gate * maps).flatten(2).max(dim=2).values)
        pooled.append(sixth.flatten(2).max(dim=2).values)
        wanted = F.normalize(torch.cat(pooled, dim=1) @ method.projection.weight.T, dim=1)
        ours = found.network.embed(inputs, torch.zeros(3, dtype=torch.long))
    assert torch.allclose(ours, wanted, atol=1e-5)


def test_the_loss_is_a_softmax_of_cosines_that_ignores_modality(figures: Dataset) -> None:
    found = objective(figures)
    assert isinstance(found.method, Egff)
    seen, terms = found.seen(0), found.loss(0)
    with torch.no_grad():
        shown = found.network.embed(seen.inputs, seen.modality)
        other = found.network.embed(seen.inputs, 1 - seen.modality)
        near = shown @ F.normalize(found.method.proxies.directions, dim=1).T / 0.05
    assert torch.equal(shown, other)
    assert terms["total"].item() == pytest.approx(F.cross_entropy(near, seen.labels).item(), rel=1e-4)
    terms["total"].backward()
    still = {
        name for name, value in found.method.named_parameters() if value.requires_grad and value.grad is None
    }
    assert not still
    assert any(value.grad is not None for value in found.learner.backbone.parameters())


def test_the_projection_starts_as_principal_directions_of_levels_of_one_scale(figures: Dataset) -> None:
    found = objective(figures)
    method = found.method
    assert isinstance(method, Egff)
    photos = [row for row, record in enumerate(figures.records) if record.modality == PHOTO]
    with torch.no_grad():
        fused = method._fused(found.learner, found.views.images(photos))
        levels = torch.split(fused - fused.mean(0), method.channels, dim=1)
        scale = torch.cat([level.square().mean().sqrt().expand(level.shape[1]) for level in levels])
        scaled = F.normalize(fused / scale, dim=1)
        projected = fused @ method.projection.weight.T
        spread = torch.linalg.svdvals(scaled - scaled.mean(0))[:8] ** 2
        # Of unit vectors of these levels; the length of a picture's own does not matter to cosines.
        ours = projected / (fused / scale).norm(dim=1, keepdim=True)
        ours = ((ours - ours.mean(0)) ** 2).sum(0)
    assert torch.allclose(ours, spread, rtol=1e-2, atol=1e-5)


def test_it_starts_by_telling_its_labels_apart(figures: Dataset) -> None:
    found = objective(figures)
    assert isinstance(found.method, Egff)
    with torch.no_grad():
        shown = found.network.embed(
            found.views.images(range(len(figures))), torch.from_numpy(found.known.modality)
        )
        logits = found.method.proxies(shown)
    labels = torch.from_numpy(found.known.labels)
    means = torch.stack([logits[labels == label].mean(0) for label in range(4)])
    assert (means - means.mean(0)).argmax(dim=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "width"), [({"gate": "none", "pooling": "mean"}, 512), ({"stages": [4, 6]}, 432)]
)
def test_levels_gates_and_pooling_are_options(
    figures: Dataset, options: dict[str, object], width: int
) -> None:
    found = objective(figures, options=options)
    assert isinstance(found.method, Egff)
    assert found.method.projection.in_features == width
    assert bool(torch.isfinite(found.loss(0)["total"]))


def test_a_stage_that_is_not_cached_is_refused_by_its_number(figures: Dataset) -> None:
    with pytest.raises(ModelError, match="no maps of stage 2 with 4 frozen stages"):
        objective(figures, options={"stages": [2, 6]})
    with pytest.raises(RecipeProblem, match=r"options\.stages"):
        objective(figures, options={"stages": []})


def test_the_loss_of_a_batch_falls(figures: Dataset) -> None:
    assert {record.modality for record in figures.records} == {PHOTO, SKETCH}
    found = objective(figures)
    learnt = [value for value in found.network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=1e-4)
    history = []
    for _ in range(6):
        loss = found.loss(0)["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < 0.8 * history[0]
