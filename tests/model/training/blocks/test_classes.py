"""Classifiers: cosines over a temperature and where proxies start, and directions that do not learn."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import PHOTO, Dataset
from model.training.blocks.classes import Proxies, fixed_directions, fixed_loss
from tests.kit.training import tiny_data, tiny_objective, tiny_recipe


def test_the_loss_is_the_softmax_of_cosines_over_the_temperature() -> None:
    proxies = Proxies(3, 4, temperature=0.2)
    with torch.no_grad():
        proxies.directions *= 7
    vectors, labels = torch.randn(5, 4), torch.tensor([0, 2, 1, 1, 0])
    wanted = 0.0
    for vector, label in zip(vectors, labels.tolist(), strict=True):
        near = [float(F.cosine_similarity(vector, each, dim=0)) / 0.2 for each in proxies.directions.detach()]
        wanted += math.log(sum(math.exp(value) for value in near)) - near[label]
    assert proxies.loss(vectors, labels).item() == pytest.approx(wanted / 5, rel=1e-4)


def test_random_ones_are_the_same_whenever_a_run_is_resumed() -> None:
    state = torch.random.get_rng_state()
    one, other = Proxies(3, 4), Proxies(3, 4)
    assert torch.equal(one.directions, other.directions)
    assert torch.equal(state, torch.random.get_rng_state()), "no other random number changes"


def test_they_start_at_the_mean_of_their_label_as_seen_from_each_modalitys_middle(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    # A label without photos has only its drawings' direction.
    part = Dataset(data.name, tuple(r for r in data.records if (r.label, r.modality) != ("box", PHOTO)))
    objective = tiny_objective(tiny_recipe(), part)
    known, learner = objective.known, objective.learner
    # More labels than there are pictures of: the last keeps its random direction.
    proxies = Proxies(5, 8)
    kept = proxies.directions[4].clone()
    proxies.lay(lambda inputs, kind: learner.images(inputs) + kind[:, None], objective.views, known)
    assert torch.equal(proxies.directions[4], kept)
    inputs = objective.views.images(range(len(part)))
    with torch.no_grad():
        vectors = learner.images(inputs) + torch.from_numpy(known.modality)[:, None]
    for label in range(4):
        found = torch.zeros(8)
        for kind in set(known.modality.tolist()):
            rows = {
                each: [
                    row
                    for row, at in enumerate(zip(known.labels, known.modality, strict=True))
                    if at == (each, kind)
                ]
                for each in range(4)
            }
            means = {each: vectors[of].mean(0) for each, of in rows.items() if of}
            if label in means:
                found += F.normalize(means[label] - torch.stack(list(means.values())).mean(0), dim=0)
        assert torch.allclose(proxies.directions[label], F.normalize(found, dim=0), atol=1e-4)


def test_fixed_directions_are_unit_vectors_and_the_same_each_time() -> None:
    first, second = fixed_directions(5, 16), fixed_directions(5, 16)
    assert torch.equal(first, second)
    assert torch.allclose(first.norm(dim=1), torch.ones(5))
    assert (first @ first.T - torch.eye(5)).abs().max() < 0.9, "each label has its own"


def test_their_loss_is_the_cross_entropy_of_inner_products() -> None:
    torch.manual_seed(1)
    codes, directions, labels = 3 * torch.randn(4, 16), fixed_directions(5, 16), torch.tensor([2, 0, 4, 2])
    wanted = 0.0
    for code, label in zip(codes, labels.tolist(), strict=True):
        logits = [math.exp(float(code @ each)) for each in directions]
        wanted -= math.log(logits[label] / sum(logits)) / 4
    assert float(fixed_loss(codes, directions, labels)) == pytest.approx(wanted, rel=1e-4)
