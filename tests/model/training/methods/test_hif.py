"""HIF, as we reconstruct it: its vector, its relations, and what they move."""

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import DataProblem, Dataset
from model.training.blocks.relations import class_means, following, rows
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.hif import Hif
from model.training.objective import Objective
from model.training.recipe import RecipeProblem, read_recipe
from tests.kit.training import tiny_network, tiny_objective

SMALL = {"architecture": "test_efficientnet", "dimension": 8, "size": 64, "batch": 16, "views": 1}


def objective(data: Dataset, *, wordless: bool = False, **changes: object) -> Objective:
    recipe = read_recipe("lite-base", "hif", **(SMALL | changes))
    network = tiny_network(recipe)
    network.learner.reads_words = not wordless
    return tiny_objective(recipe, data, network)


@pytest.fixture
def found(figures: Dataset) -> Objective:
    return objective(figures)


@torch.no_grad()
def test_a_gate_mixes_the_whole_and_what_a_query_reads(found: Objective) -> None:
    method, learner = found.method, found.learner
    assert isinstance(method, Hif)
    torch.nn.init.normal_(method.gate.weight, generator=torch.Generator().manual_seed(0))
    inputs, kinds = found.views.images([0, 3]), torch.tensor([PHOTO, SKETCH])
    tokens = learner.tokens(inputs)
    centred = torch.stack([tokens.local[row] + method.centre.added[kind] for row, kind in enumerate(kinds)])
    read = method.pool.read(centred, tokens.places, torch.zeros(2, 1, dtype=torch.long)).values[:, 0]
    whole, local = (F.normalize(part, dim=1) for part in (learner.project(tokens.whole), method.local(read)))
    share = 1 / (1 + torch.exp(-(torch.cat([whole, local], dim=1) @ method.gate.weight.T + method.gate.bias)))
    wanted = F.normalize(share * whole + (1 - share) * local, dim=1)
    assert torch.allclose(found.network.embed(inputs, kinds), wanted, atol=1e-5)


@torch.no_grad()
def test_it_starts_near_the_whole(figures: Dataset) -> None:
    found = objective(figures)
    inputs = found.views.images([0, 3])
    whole = found.learner.images(inputs)
    assert bool(((found.network.embed(inputs, torch.tensor([PHOTO, SKETCH])) * whole).sum(1) > 0.9).all())


@torch.no_grad()
def test_tokens_start_without_the_mean_of_their_modality(found: Objective) -> None:
    assert isinstance(found.method, Hif)
    kinds = torch.from_numpy(found.known.modality)
    local = found.learner.tokens(found.views.images(range(len(kinds)))).local
    for kind in (PHOTO, SKETCH):
        mean = local[kinds == kind].mean(dim=(0, 1))
        assert torch.allclose(found.method.centre.added[kind], -mean, atol=1e-4)


def test_sketches_follow_photos_and_words(found: Objective) -> None:
    seen, terms = found.seen(0), found.loss(0)
    shown = found.network.embed(seen.inputs, seen.modality)
    means = class_means(shown, seen.labels, seen.modality)
    assert len(means.labels) >= 3
    sketches = rows(means.sketches)
    photos = following(rows(means.photos), sketches)
    words = following(rows(seen.vocabulary()[means.labels]), sketches)
    assert terms["relation_photos"].item() == pytest.approx(photos.item(), rel=1e-4)
    assert terms["relation_words"].item() == pytest.approx(words.item(), rel=1e-4)
    wanted = terms["proxies"] + photos + 0.3 * words
    assert terms["total"].item() == pytest.approx(wanted.item(), rel=1e-4)
    assert min(photos.item(), words.item()) > 0


def test_relations_leave_photos_where_they_are(found: Objective) -> None:
    seen = found.seen(0)
    shown = found.network.embed(seen.inputs, seen.modality).detach().requires_grad_()
    found.method.embed = lambda *_: shown  # type: ignore[method-assign]
    terms = found.method.loss(found.learner, seen)
    (terms["relation_photos"] + terms["relation_words"]).backward()
    assert shown.grad is not None
    assert not shown.grad[seen.modality == PHOTO].any()
    assert shown.grad[seen.modality == SKETCH].any()


def test_words_are_optional(figures: Dataset) -> None:
    terms = objective(figures, wordless=True).loss(0)
    assert "relation_words" not in terms
    assert terms["total"].item() == pytest.approx(
        (terms["proxies"] + terms["relation_photos"]).item(), rel=1e-5
    )


def test_every_part_of_it_learns(found: Objective) -> None:
    assert isinstance(found.method, Hif)
    # The first step moves the gate's weights from zero; what they pass on comes after that.
    torch.nn.init.normal_(found.method.gate.weight)
    found.loss(0)["total"].backward()
    still = {
        name
        for name, value in found.method.named_parameters()
        if value.requires_grad and (value.grad is None or not value.grad.any())
    }
    # The key's bias adds the same to every score of a query.
    assert still <= {"pool.key.bias"}


def test_a_batch_has_two_sketches_and_two_photos_of_a_label(found: Objective, figures: Dataset) -> None:
    seen = found.seen(0)
    for at in range(0, 16, 4):
        assert len(set(seen.labels[at : at + 4].tolist())) == 1
        assert sorted(seen.modality[at : at + 4].tolist()) == [PHOTO, PHOTO, SKETCH, SKETCH]
    with pytest.raises(DataProblem, match="a batch of 10 cannot be filled with 4 images per label"):
        objective(figures, batch=10)


def test_heads_must_divide_the_width(figures: Dataset) -> None:
    with pytest.raises(RecipeProblem, match="5 does not divide 192"):
        objective(figures, options={"heads": 5})


def test_the_loss_of_a_batch_falls(found: Objective) -> None:
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
