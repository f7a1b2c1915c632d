"""SAD: each term, and the vector that joins two spaces, by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.data.datasets import Dataset
from model.training.blocks import adversary
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.sad import Sad, fused, ranking
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import learned, tiny_objective, unlearned, with_pairs

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 9,
    "size": 32,
    "batch": 8,
    "steps": 3,
    "views": 1,
}


def objective(data: Dataset, **options: object) -> Objective:
    small = {"hidden": 16, "samples": 5, "stages": (3, 4)}
    recipe = read_recipe("lite-base", "sad", **SMALL, tower="nothing", options=small | options)
    return tiny_objective(recipe, with_pairs(data))


def parts(found: Objective) -> tuple[Sad, list[Tensor]]:
    """The method, and a step's sketches, own photos, photos like those, and others."""
    method, seen = found.method, found.seen(0)
    assert isinstance(method, Sad)
    with torch.no_grad():
        vectors = method.pooled(found.learner, seen.inputs, seen.modality)
    count = len(vectors) // 4
    labels = [seen.labels[at * count : (at + 1) * count].tolist() for at in range(4)]
    assert labels[0] == labels[1] == labels[2]
    assert all(one != other for one, other in zip(labels[0], labels[3], strict=True))
    assert seen.rows[count : 2 * count].tolist() == seen.own_photo[:count].tolist()
    return method, [vectors[at * count : (at + 1) * count] for at in range(4)]


def distance(one: Tensor, other: Tensor) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one.tolist(), other.tolist(), strict=True)) ** 0.5)


def test_the_ranking_pulls_and_pushes_up_to_a_margin() -> None:
    torch.manual_seed(1)
    sketch, near, far = torch.randn(6, 3), torch.randn(6, 3), 2 * torch.randn(6, 3)
    wanted, inside = 0.0, 0
    for row in range(6):
        wanted += distance(sketch[row], near[row]) / 6
        wanted += max(0.0, 3.0 - distance(sketch[row], far[row])) / 6
        inside += distance(sketch[row], far[row]) < 3
    assert 0 < inside < 6
    assert float(ranking(sketch, near, far, 3.0)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_an_inner_product_is_the_weighted_sum_of_both_cosines(share: float) -> None:
    torch.manual_seed(2)
    structures, photos = 5 * torch.randn(4, 3), 0.1 * torch.randn(4, 6)
    found = fused(structures, photos, share)
    assert found.shape == (4, 9)
    assert torch.allclose(found.norm(dim=1), torch.ones(4), atol=1e-6)
    for one in range(4):
        for other in range(4):
            wanted = share * float(F.cosine_similarity(structures[one], structures[other], dim=0))
            wanted += (1 - share) * float(F.cosine_similarity(photos[one], photos[other], dim=0))
            assert float(found[one] @ found[other]) == pytest.approx(wanted, abs=1e-5)


def test_each_term_by_hand(figures: Dataset) -> None:
    found = objective(figures)
    found.network.eval()
    method, (sketch, own, same, other) = parts(found)
    torch.manual_seed(5)
    told = {name: float(term.detach()) for name, term in found.loss(0).items()}
    nets, axes = method.nets, method.pooled.directions[: method.width]
    scale = (axes.shape[1] / method.width) ** 0.5
    torch.manual_seed(5)
    with torch.no_grad():
        drawn, looks = nets["drawn structure"](sketch) + sketch @ axes.T / scale, nets["appearance"](own)
        shown, near, far = (
            nets["shown structure"](each) + each @ axes.T / scale for each in (own, same, other)
        )
        mean, log_variance = method.code.mean(looks), method.code.log_variance(looks)
        code = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        photo = nets["to photo"](torch.cat([code, drawn], dim=1)) + scale * drawn @ axes
        back = nets["to sketch"](shown) + scale * shown @ axes
        wanted = {
            "ranking": float(ranking(drawn, near, far, 10.0)),
            "photo": float(F.mse_loss(photo, own)),
            "sketch": float(F.mse_loss(back, sketch)),
            "divergence": 0.5 * float((log_variance.exp() + mean**2 - 1 - log_variance).sum(1).mean()),
            "orthogonal": float(F.cosine_similarity(shown, looks).abs().mean()),
        }
    for name, value in wanted.items():
        assert told[name] == pytest.approx(value, rel=1e-3), name
    weights = {"ranking": 0.5, "photo": 2, "sketch": 1, "divergence": 1, "orthogonal": 1}
    total = sum(weights[name] * value for name, value in wanted.items())
    assert told["total"] == pytest.approx(total, rel=1e-3)
    assert set(told) == {*wanted, "total"}


def test_the_adversaries_tell_what_was_made(figures: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversary, "SOFT", ((1.0, 1.0), (0.0, 0.0)))
    found = objective(figures, adversary=0.25)
    found.network.eval()
    method, (sketch, own, _, _) = parts(found)
    torch.manual_seed(5)
    told = {name: float(term.detach()) for name, term in found.loss(0).items()}
    nets = method.nets
    torch.manual_seed(5)
    with torch.no_grad():
        code = method.code(nets["appearance"](own)).drawn()
        made = method.decoded("photo", method.structure("drawn", sketch), code)
        back = method.decoded("sketch", method.structure("shown", own))
        wanted = 0.0
        for name, real, fake in (("photo adversary", own, made), ("sketch adversary", sketch, back)):
            right, wrong = nets[name](real) - 1, nets[name](fake)
            wanted += 0.5 * float((right**2).mean() + (wrong**2).mean() + ((wrong - 1) ** 2).mean())
    assert told["adversary"] == pytest.approx(wanted, rel=1e-3)
    weights = {"ranking": 0.5, "photo": 2, "sketch": 1, "divergence": 1, "orthogonal": 1, "adversary": 0.25}
    assert told["total"] == pytest.approx(sum(weights[name] * told[name] for name in weights), rel=1e-3)
    assert not unlearned(objective(figures, adversary=0.25))


def test_an_embedding_has_the_structure_and_the_photo(figures: Dataset) -> None:
    found = objective(figures)
    method, kinds = found.method, torch.tensor([PHOTO, SKETCH, SKETCH])
    assert isinstance(method, Sad)
    inputs = found.views.images([0, 3, 4])
    network = found.network.eval()
    with torch.no_grad():
        vectors = method.pooled(found.learner, inputs, kinds)
        structures = torch.cat(
            [method.structure("shown", vectors[:1]), method.structure("drawn", vectors[1:])]
        )
        photos = vectors.clone()
        for row in (1, 2):
            made = [
                method.decoded("photo", structures[row : row + 1], looks[None])[0] for looks in method.noise
            ]
            photos[row] = sum(made) / 5  # type: ignore[assignment]
        reduced = F.normalize(photos @ method.pooled.directions.T, dim=1)
        wanted = torch.cat([F.normalize(structures, dim=1), reduced], dim=1) * 0.5**0.5
        embedded = network.embed(inputs, kinds)
        alone = network.embed(inputs[:1], kinds[:1])
    assert embedded.shape == (3, 9)
    assert torch.allclose(embedded, wanted, atol=1e-5)
    assert torch.allclose(alone, embedded[:1], atol=1e-5)


def test_at_first_structures_are_principal_numbers(figures: Dataset) -> None:
    found = objective(figures)
    method, (sketch, own, _, _) = parts(found)
    found.network.eval()
    axes = method.pooled.directions[: method.width]
    with torch.no_grad():
        for kind, vectors in (("drawn", sketch), ("shown", own)):
            structures = method.structure(kind, vectors)
            assert torch.allclose(
                F.normalize(structures, dim=1), F.normalize(vectors @ axes.T, dim=1), atol=1e-2
            )
            # The vector that has these numbers, and no others.
            made = method.decoded("photo", structures, method.noise[:1].expand(len(vectors), -1))
            assert torch.allclose(made, vectors @ axes.T @ axes, atol=1e-2)
            assert torch.allclose(method.decoded("sketch", structures), made, atol=1e-2)


def test_it_learns_without_pairs_too(figures: Dataset) -> None:
    recipe = read_recipe(
        "lite-base", "sad", **SMALL, tower="nothing", options={"hidden": 16, "stages": (3, 4)}
    )
    assert not unlearned(tiny_objective(recipe, figures))


def test_what_it_should_learn_it_learns(figures: Dataset) -> None:
    found = objective(figures)
    assert not unlearned(found)
    before, after = learned(objective(figures), steps=20)
    for name in ("ranking", "photo", "sketch", "total"):
        assert after[name] < 0.9 * before[name], name
    assert not found.method.publishes
