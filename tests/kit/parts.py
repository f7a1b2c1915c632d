"""Made-up maps that a head can learn from at once: no tower, no pictures."""

from pathlib import Path

import numpy as np
import torch

from model.backbones.local import LocalHead, Shape
from model.data.datasets import PHOTO, SKETCH, Dataset, Record
from model.training.parts.maps import Maps
from model.training.parts.network import Matcher
from model.training.parts.objective import Objective
from model.training.parts.options import Options
from model.training.parts.sampling import Material, Sampler

SHAPE = Shape({0: (5, 8), 1: (6, 4)}, (0, 1), side=8, width=4, hidden=6, blocks=1)
SMALL = Options(stages=(0, 1), width=4, hidden=6, labels=2, per_label=2, pseudo=4, loose=2, steps=5)


def material() -> Dataset:
    """Two labels of three photos with a drawing each, and a label whose drawings have none."""
    records = []
    for label in ("ball", "box", "cross"):
        for number in range(3):
            for kind in (PHOTO, SKETCH):
                pair = None if label == "cross" else f"{label} {number}"
                records.append(Record(Path(kind, label, f"{number}.png"), kind, label, pair, "toys"))
    return Dataset("toys", tuple(records))


def maps(count: int, *, drawn: bool, seed: int) -> Maps:
    dice = np.random.default_rng(seed)
    stages = {
        stage: dice.normal(size=(count, side, side, channels)).astype(np.float16)
        for stage, (channels, side) in SHAPE.reads.items()
    }
    places = np.full((count, 8, 8, 2), np.nan, dtype=np.float16)
    if drawn:
        places[:] = dice.random(places.shape)
    return Maps(stages, dice.uniform(0, 50, (count, 8, 8)).astype(np.float16), places)


def objective(options: Options = SMALL) -> Objective:
    """Started, with random weights."""
    found = Material.of(material(), options.seed)
    tables = {
        name: maps(len(pictures), drawn=name == "pseudo", seed=number)
        for number, (name, pictures) in enumerate(found.pictures(options.seed).items())
    }
    torch.manual_seed(options.seed)
    made = Objective(Matcher(LocalHead(SHAPE), SHAPE.trunk), tables, Sampler(found, options), options)
    made.start()
    return made
