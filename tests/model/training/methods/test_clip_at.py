"""CLIP-AT: what it trains, its terms by category and by instance against loops, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import DataProblem, Dataset
from model.training.blocks.quadrants import shuffled, two_orders
from model.training.blocks.relations import spread
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.clip_at import ClipAt
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import tiny_objective, with_pairs

SMALL = {"architecture": "test_efficientnet", "dimension": 8, "size": 64, "batch": 8, "views": 1}


def objective(data: Dataset, **changes: object) -> Objective:
    recipe = read_recipe("lite-base", "clip-at", **(SMALL | dict(ClipAt.recipe) | changes))
    return tiny_objective(recipe, with_pairs(data))


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return 1 - float(F.cosine_similarity(one, other, dim=0))


@pytest.fixture
def by_category(figures: Dataset) -> Objective:
    return objective(figures)


@pytest.fixture
def by_instance(figures: Dataset) -> Objective:
    return objective(figures, instances=3, batch=14)


def vectors(found: Objective, step: int = 0) -> torch.Tensor:
    seen = found.seen(step)
    with torch.no_grad():
        return found.network.embed(seen.inputs, seen.modality)


def test_norms_prompts_and_the_projection_learn_and_words_are_fixed(by_category: Objective) -> None:
    trained = {name for name, value in by_category.network.named_parameters() if value.requires_grad}
    learner = by_category.learner
    assert isinstance(learner, LiteLearner)
    norms = {
        f"learner.backbone.{name}.{part}"
        for name, module in learner.backbone.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for part in ("weight", "bias")
    }
    others = trained - norms
    assert others == {"method.prompt.added", "learner.projection.weight"}
    assert trained & norms
    by_category.loss(0)["total"].backward()
    still = {
        name
        for name, value in by_category.network.named_parameters()
        if name in trained and value.grad is None
    }
    assert not still


def test_the_prompt_is_what_distinguishes_a_sketch_from_a_photo(by_category: Objective) -> None:
    inputs = by_category.views.images([0, 0])
    kinds = torch.tensor([SKETCH, PHOTO])
    with torch.no_grad():
        before = by_category.network.embed(inputs, kinds)
        assert torch.allclose(before[0], before[1], atol=1e-6)
        assert isinstance(by_category.method, ClipAt)
        by_category.method.prompt.added[SKETCH] += 1
        one, other = by_category.network.embed(inputs, kinds)
        assert torch.allclose(other, before[1], atol=1e-6)
        assert not torch.allclose(one, before[0], atol=1e-3)
        wanted = by_category.learner.images(inputs[:1] + 1)[0]
    assert torch.allclose(one, wanted, atol=1e-5)


def test_by_category_sketches_are_nearer_to_photos_of_their_label(by_category: Objective) -> None:
    seen, shown = by_category.seen(0), vectors(by_category)
    open_ones = []
    for s in range(len(shown)):
        for p in range(len(shown)):
            for n in range(len(shown)):
                fits = (seen.modality[s], seen.modality[p], seen.modality[n]) == (SKETCH, PHOTO, PHOTO)
                if fits and seen.labels[s] == seen.labels[p] != seen.labels[n]:
                    short = 0.3 + distance(shown[s], shown[p]) - distance(shown[s], shown[n])
                    open_ones += [short] if short > 0 else []
    terms = by_category.loss(0)
    assert terms["triplet"].item() == pytest.approx(sum(open_ones) / len(open_ones), rel=1e-3)
    said = seen.vocabulary().detach()
    words = 0.0
    for kind in (SKETCH, PHOTO):
        rows = [row for row in range(len(shown)) if seen.modality[row] == kind]
        losses = [
            F.cross_entropy((shown[row] @ said.T / 0.07)[None], seen.labels[row][None]).item() for row in rows
        ]
        words += sum(losses) / len(losses)
    assert terms["words"].item() == pytest.approx(words, rel=1e-3)
    assert terms["total"].item() == pytest.approx(terms["triplet"].item() + 0.5 * words, rel=1e-3)


def test_by_instance_the_other_photo_is_of_the_same_class(by_instance: Objective) -> None:
    assert isinstance(by_instance.method, ClipAt)
    with torch.no_grad():
        by_instance.method.prompt.added[SKETCH] += 1
    seen, shown = by_instance.seen(0), vectors(by_instance)
    assert len(shown) == 12, "two labels, three drawings of each, with their photos"
    assert seen.evenly == 0
    torch.manual_seed(7)
    terms = by_instance.loss(0)
    torch.manual_seed(7)
    step = int(torch.randint(1, 3, ()))
    apart = torch.zeros(2, 3)
    for label in range(2):
        for one in range(3):
            sketch = shown[6 * label + 2 * one]
            own, other = (shown[6 * label + 2 * at + 1] for at in (one, (one - step) % 3))
            apart[label, one] = distance(sketch, own) - distance(sketch, other)
    assert terms["triplet"].item() == pytest.approx((0.3 + apart).clamp(min=0).mean().item(), rel=1e-3)
    assert terms["spread"].item() == pytest.approx(spread(apart).item(), rel=1e-2, abs=1e-5)
    alike, otherwise = two_orders(6)
    short = []
    for pair in range(6):
        drawn, photo = seen.inputs[2 * pair], seen.inputs[2 * pair + 1]
        shuffles = [(drawn, alike, SKETCH), (photo, alike, PHOTO), (photo, otherwise, PHOTO)]
        with torch.no_grad():
            s, p, n = (
                by_instance.network.embed(shuffled(maps[None], orders[[pair]]), torch.tensor([kind]))[0]
                for maps, orders, kind in shuffles
            )
        short.append(max(0.0, 0.3 + distance(s, p) - distance(s, n)))
    assert terms["shuffle"].item() == pytest.approx(sum(short) / 6, rel=1e-3)
    weighted = [terms["triplet"], 0.5 * terms["words"], 0.1 * terms["spread"], terms["shuffle"]]
    assert terms["total"].item() == pytest.approx(torch.stack(weighted).sum().item(), rel=1e-5)


def test_one_prompt_may_be_shared(figures: Dataset) -> None:
    found = objective(figures, options={"prompts": "shared"})
    assert isinstance(found.method, ClipAt)
    assert len(found.method.prompt.added) == 1
    shown = found.network.embed(found.views.images([0, 0]), torch.tensor([SKETCH, PHOTO]))
    assert torch.allclose(shown[0], shown[1], atol=1e-6)


def test_too_few_instances_are_refused_before_any_work(figures: Dataset) -> None:
    with pytest.raises(DataProblem, match="4 labels have 3 drawn photos, and a batch of 8 holds 1"):
        objective(figures, instances=3)


@pytest.mark.parametrize("changes", [{}, {"instances": 2}])
def test_the_loss_of_a_batch_falls(figures: Dataset, changes: dict[str, object]) -> None:
    found = objective(figures, **changes)
    learnt = [value for value in found.network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=3e-3)
    history = []
    for _ in range(8):
        torch.manual_seed(0)
        loss = found.loss(0)["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < 0.9 * history[0]
