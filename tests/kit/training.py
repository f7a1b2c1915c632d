"""A training small enough for a test: real files, random weights, towers without a network behind them."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import timm
import torch
from PIL import Image, ImageDraw

from model.backbones import BACKBONES
from model.backbones.base import Classifier
from model.backbones.timm import described
from model.data.datasets import PHOTO, Dataset, Record, read_folder
from model.training.learners.lite import LiteLearner
from model.training.network import Network, method_of
from model.training.objective import Objective
from model.training.recipe import Recipe, read_recipe
from model.training.views import Views

LABELS = ("ball", "box", "cross", "stairs")
# For what reads the maps of more stages than the five of a tiny recipe's tower.
SEVEN_STAGES = "tf_efficientnet_lite0"


@contextmanager
def one_thread() -> Iterator[None]:
    """Towers this small gain nothing from a second one, which beside other tests would be waited for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_recipe(**changes: object) -> Recipe:
    small: dict[str, object] = {
        "architecture": "test_efficientnet",
        "dimension": 8,
        "size": 32,
        "batch": 8,
        "steps": 6,
        "views": 2,
        "instances": 0,
    }
    return read_recipe("lite", **(small | changes))


def tiny_network(recipe: Recipe, seed: int = 3, *, half: bool = False) -> Network:
    """Not in bf16, unless asked for: without instructions for it, a CPU takes ten times as long."""
    torch.manual_seed(seed)
    built = described(timm.create_model(recipe.architecture, pretrained=False, num_classes=0))
    generator = torch.Generator().manual_seed(seed)
    classifier = Classifier(torch.randn(1000, built.width, generator=generator) / 10, torch.zeros(1000))
    network = Network(method_of(recipe), LiteLearner(replace(built, classifier=classifier), say, recipe))
    network.learner.half_on_cpu = half
    return network


def tiny_zse(data: Dataset, **changes: object) -> tuple[Recipe, Network]:
    """ZSE-SBIR as its recipe has it, with random weights and a ViT of two blocks and 16 cells; started, at rest."""
    small = {
        "architecture": "test_vit",
        "pretrained": None,
        "dimension": 64,
        "size": 64,
        "batch": 8,
        "steps": 2,
    }
    recipe = read_recipe("zse-b16", **(small | changes))
    torch.manual_seed(4)
    built = BACKBONES.load(recipe.family)().build(recipe.architecture, None, recipe.size)
    network = Network(method_of(recipe), LiteLearner(built, say, recipe))
    network.learner.half_on_cpu = False
    tiny_objective(recipe, data, network)
    return recipe, network.eval()


def tiny_learner(recipe: Recipe, seed: int = 3) -> LiteLearner:
    learner = tiny_network(recipe, seed).learner
    assert isinstance(learner, LiteLearner)
    return learner


def tiny_objective(
    recipe: Recipe, data: Dataset, network: Network | None = None, cache: Path | None = None
) -> Objective:
    """Started, on that data, whose photos are there without labels, too; its views from a file where one is named."""
    network = network or tiny_network(recipe)
    views = tiny_views(data.records, network, recipe.views, recipe.size)
    if cache is not None:
        views.cache(cache)
    unlabelled = tiny_views(data.of(PHOTO), network, 1, recipe.size)
    objective = Objective(recipe, data, views, network, unlabelled)
    objective.start()
    return objective


def tiny_views(
    records: Sequence[Record], network: Network, per_record: int = 1, size: int = 32, seed: int = 0
) -> Views:
    return Views(records, network.learner, size=size, per_record=per_record, seed=seed)


def tiny_clip(tokenizer: str | None = None) -> str:
    """The name of a model of open_clip's own kind, small enough for a test."""
    words = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    shape = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": words | ({"hf_tokenizer_name": tokenizer} if tokenizer else {}),
    }
    name = f"ViT-tiny-test{'-others' if tokenizer else ''}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.json"
        file.write_text(json.dumps(shape))
        open_clip.add_model_config(file)
    return name


def say(captions: Sequence[str]) -> torch.Tensor:
    """A sentence vector of its own for each text."""
    rows = [
        np.random.default_rng(list(hashlib.sha256(text.encode()).digest())).normal(size=384)
        for text in captions
    ]
    return torch.nn.functional.normalize(torch.tensor(np.stack(rows), dtype=torch.float32), dim=-1)


def tiny_data(folder: Path, labels: Sequence[str] = LABELS, count: int = 3) -> Dataset:
    """Coloured photos and black drawings of simple figures, some of each label."""
    for label in labels:
        for number in range(count):
            for modality in ("photos", "sketches"):
                path = folder / modality / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture(label, number, photo=modality == "photos").save(path)
    return read_folder(folder)


def tiny_manifest(
    folder: Path, *, labels: Sequence[str] = LABELS, name: str = "toys", count: int = 3
) -> Path:
    """`tiny_data` as a set of a manifest, each drawing with its own photo; more sets are added to what is there."""
    data = tiny_data(folder / name, labels, count)
    file = folder / "manifest.csv"
    lines = [] if file.exists() else ["set,modality,class,label,path,pair_id,note"]
    for record in data.records:
        place = record.path.relative_to(folder).as_posix()
        lines.append(f"{name},{record.modality},{record.label},,{place},{record.label} {record.path.stem},")
    with file.open("a") as opened:
        opened.write("\n".join(lines) + "\n")
    return file


def with_pairs(data: Dataset) -> Dataset:
    """The same, each drawing made from the photo of its number."""
    paired = tuple(replace(record, pair=f"{record.label} {record.path.stem}") for record in data.records)
    return replace(data, records=paired)


def picture(label: str, number: int, *, photo: bool) -> Image.Image:
    image = Image.new("RGB", (128, 120), (90, 140 + 9 * number, 200) if photo else "white")
    pen = ImageDraw.Draw(image)
    box = (20 + 3 * number, 18, 100 + 3 * number, 98)
    left, top, right, bottom = box
    ink = (200, 60, 30 * number) if photo else "black"
    if label == "ball":
        pen.ellipse(box, fill=ink if photo else None, outline="black", width=4)
    elif label == "box":
        pen.rectangle(box, fill=ink if photo else None, outline="black", width=4)
    elif label == "cross":
        pen.line((left, top, right, bottom), fill=ink, width=9)
        pen.line((left, bottom, right, top), fill=ink, width=9)
    else:
        for step in range(4):
            pen.rectangle(
                (left + 20 * step, top + 20 * step, right, top + 20 * step + 20), outline=ink, width=4
            )
    return image


def learned(
    objective: Objective, steps: int = 12, rate: float = 3e-3
) -> tuple[dict[str, float], dict[str, float]]:
    """The terms of one batch before and after so many steps on it, at rest: without dropout, with the same draws."""
    seen = objective.seen(0)

    def at_rest() -> dict[str, float]:
        objective.network.eval()
        torch.manual_seed(0)
        with torch.no_grad():
            found = objective.method.loss(objective.learner, seen)
        objective.network.train()
        return {name: float(term) for name, term in found.items()}

    before = at_rest()
    values = [value for value in objective.network.parameters() if value.requires_grad]
    optimiser = torch.optim.Adam(values, rate)
    for step in range(steps):
        torch.manual_seed(step)
        optimiser.zero_grad()
        objective.method.loss(objective.learner, seen)["total"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return before, at_rest()


def unlearned(objective: Objective) -> set[str]:
    """Parameters that should be trained, but get no gradient from a step."""
    objective.loss(0)["total"].backward()  # type: ignore[no-untyped-call]
    return {
        name
        for name, value in objective.network.named_parameters()
        if value.requires_grad and (value.grad is None or not bool(value.grad.any()))
    }
