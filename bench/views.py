"""Views for training on a CPU: how fast they are drawn, how fast the frozen stages read them, and both at once.

python -m bench.views MANIFEST.csv --root IMAGES [--recipe lite-rich] [--pictures 400]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from bench.timing import measure, processor
from model.data.datasets import PHOTO, Record, read_manifest
from model.training.frozen import Frozen
from model.training.heap import keep
from model.training.learners.base import Learner
from model.training.network import build
from model.training.recipe import Recipe, read_recipe
from model.training.views import Variety, View, Views

BATCH = 8


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    keep()
    recipe = read_recipe(options.recipe)
    every = read_manifest(options.manifest, options.root).records
    chosen = np.random.default_rng(0).choice(len(every), min(options.pictures, len(every)), replace=False)
    records = [every[row] for row in sorted(chosen)]
    learner = build(recipe, random_weights=True).learner
    half = "bf16" if learner.in_half("cpu") else "no bf16"
    print(
        f"{processor()}, {os.cpu_count()} cores, {half}, torch {torch.__version__}; {recipe.name}, "
        f"{len(records)} pictures, {recipe.views} views of each; load {os.getloadavg()[0]:.1f}"
    )
    pixels = _drawn(records, recipe)
    _read(learner, torch.from_numpy(np.stack(pixels[:BATCH])))
    _both(records, learner, recipe)


def _drawn(records: Sequence[Record], recipe: Recipe) -> list[np.ndarray]:
    photos = tuple(record for record in records if record.modality == PHOTO)
    rich = photos if recipe.variations == "rich" else ()
    views = [View(record, n, recipe.seed, rich) for record in records for n in range(recipe.views)]
    start = time.perf_counter()
    pixels = [view.pixels(recipe.size) for view in views]
    print(f"drawn, one thread            {_rate(len(views), start)}")
    return pixels


def _read(learner: Learner, batch: torch.Tensor) -> None:
    compiled = Frozen(learner, learner.prepare, worth=0)
    ways: dict[str, Callable[[], object]] = {"frozen stages, OpenVINO      ": lambda: compiled(batch)}
    for name, half in (("float32", False), ("bf16   ", True)):
        ways[f"frozen stages, torch {name}"] = _torch(learner, batch, half=half)
    for name, way in ways.items():
        print(f"{name}{1000 * len(batch) / measure(way).median:8.0f} views/s", flush=True)


def _torch(learner: Learner, batch: torch.Tensor, *, half: bool) -> Callable[[], object]:
    @torch.no_grad()
    def read() -> object:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return learner.prepare(batch)

    return read


def _both(records: Sequence[Record], learner: Learner, recipe: Recipe) -> None:
    variety = Variety(recipe.variations == "rich")
    views = Views(
        records, learner, size=recipe.size, per_record=recipe.views, seed=recipe.seed, variety=variety
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        views.cache(Path(folder) / "seen.f16")
    print(f"drawn, read, and written     {_rate(len(records) * recipe.views, start)}")


def _rate(count: int, start: float) -> str:
    return f"{count / (time.perf_counter() - start):8.0f} views/s"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.views", description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--recipe", default="lite-rich")
    parser.add_argument("--pictures", type=int, default=400)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
