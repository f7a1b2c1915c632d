"""IVT, as we reconstruct it: [Ret], indicators, and what is told and not told."""

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import Dataset
from model.training.losses.contrast import triplet_loss
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.ivt import Ivt
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import tiny_objective

SMALL = {"architecture": "test_efficientnet", "dimension": 8, "size": 64, "batch": 8, "views": 1}


@pytest.fixture
def found(figures: Dataset) -> Objective:
    return tiny_objective(read_recipe("lite-base", "ivt", **SMALL), figures)


@torch.no_grad()
def test_ret_and_the_indicator_of_the_modality_read_the_tokens(found: Objective) -> None:
    method, learner = found.method, found.learner
    assert isinstance(method, Ivt)
    inputs, kinds = found.views.images([0, 3]), torch.tensor([PHOTO, SKETCH])
    whole = learner.images(inputs)
    assert torch.allclose(found.network.embed(inputs, kinds), whole, atol=1e-5), "it starts as the whole"
    torch.nn.init.normal_(method.ret.weight, generator=torch.Generator().manual_seed(0))
    tokens = learner.tokens(inputs)
    wanted = []
    for row, kind in enumerate(kinds.tolist()):
        asked = torch.tensor([[0, {PHOTO: 1, SKETCH: 2}[kind]]])
        read = method.pool.read(tokens.local[[row]], tokens.places[[row]], asked).values[0]
        wanted.append(F.normalize(whole[row] + method.ret.weight @ read[0], dim=0))
    shown = found.network.embed(inputs, kinds)
    assert torch.allclose(shown, torch.stack(wanted), atol=1e-5)
    assert not torch.allclose(shown, found.network.embed(inputs, 1 - kinds), atol=1e-5), "modalities matter"


def test_terms_and_their_weights(found: Objective) -> None:
    method = found.method
    assert isinstance(method, Ivt)
    seen, terms = found.seen(0), found.loss(0)
    shown = found.network.embed(seen.inputs, seen.modality)
    tokens = found.learner.tokens(seen.inputs)
    asked = torch.stack([torch.zeros_like(seen.modality), 1 + seen.modality], dim=1)
    indicators = method.pool.read(tokens.local, tokens.places, asked).values[:, 1]
    wanted = {
        "triplet": triplet_loss(shown, seen.labels, seen.modality, 0.3),
        "proxies": method.proxies.loss(shown, seen.labels),
        "told": F.cross_entropy(method.told(indicators), seen.modality),
        "not_told": F.cross_entropy(method.not_told(shown), seen.modality),
    }
    for name, term in wanted.items():
        assert terms[name].item() == pytest.approx(term.item(), rel=1e-3), name
    total = wanted["triplet"] + wanted["proxies"] + 0.1 * (wanted["told"] + wanted["not_told"])
    assert terms["total"].item() == pytest.approx(total.item(), rel=1e-3)


def test_the_classifier_of_what_is_not_told_learns_and_vectors_unlearn(found: Objective) -> None:
    method = found.method
    assert isinstance(method, Ivt)
    torch.nn.init.normal_(method.not_told.weight)
    seen = found.seen(0)
    weights = (method.not_told.weight, found.learner.projection.weight)

    def gradients(term: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(term, weights)

    shown = method._read(found.learner, seen.inputs, seen.modality)[0]
    plain = gradients(F.cross_entropy(method.not_told(shown), seen.modality))
    ours = gradients(found.loss(0)["not_told"])
    assert torch.allclose(ours[0], plain[0], atol=1e-5)
    assert torch.allclose(ours[1], -plain[1], atol=1e-5)
    assert plain[1].any()


def test_every_part_of_it_learns(found: Objective) -> None:
    assert isinstance(found.method, Ivt)
    for layer in (found.method.ret, found.method.not_told):
        torch.nn.init.normal_(layer.weight)
    found.loss(0)["total"].backward()
    still = {
        name
        for name, value in found.method.named_parameters()
        if value.requires_grad and (value.grad is None or not value.grad.any())
    }
    # The key's bias adds the same to every score of a query.
    assert still <= {"pool.key.bias"}


def test_the_loss_of_a_batch_falls(found: Objective) -> None:
    learnt = [value for value in found.network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=1e-4)
    history = []
    for _ in range(6):
        terms = found.loss(0)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
        history.append((terms["total"] - 0.1 * terms["not_told"]).item())
    assert history[-1] < 0.8 * history[0]
