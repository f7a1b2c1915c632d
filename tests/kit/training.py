"""A training small enough for a test: real files, random weights, towers without a network behind them."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import timm
import torch
from PIL import Image, ImageDraw

from model.data.datasets import Dataset, read_folder
from model.training.learner import LiteLearner
from model.training.recipe import Recipe, read_recipe

LABELS = ("ball", "box", "cross", "stairs")


def tiny_recipe(**changes: object) -> Recipe:
    small: dict[str, object] = {
        "architecture": "tf_efficientnet_lite0",
        "dimension": 8,
        "size": 32,
        "batch": 8,
        "steps": 6,
        "views": 2,
        "instances": 0,
    }
    return read_recipe("lite", **(small | changes))


def tiny_learner(recipe: Recipe, seed: int = 3) -> LiteLearner:
    torch.manual_seed(seed)
    backbone = timm.create_model(recipe.architecture, pretrained=False, num_classes=0)
    return LiteLearner(backbone, say, recipe)


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
