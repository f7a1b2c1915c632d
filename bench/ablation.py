"""Ablation: our method, its predecessors, and itself with one part left out; same pictures, same steps, one table.

python -m bench.ablation MANIFEST.csv --root IMAGES --splits splits.json --out FOLDER [--steps 120] [VARIANT...]

Trains on the sets with drawings of their own photos (sketchy25, shoe304 by default), without the labels of
`validation_unseen` and without a third of the shoes. Called again, it continues with the missing variants.
"""

import argparse
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from model import Encoder
from model.comparison.material import held_out
from model.data.datasets import (
    SKETCH,
    UNRECOGNIZED,
    Dataset,
    Record,
    read_labels,
    read_manifest,
)
from model.evaluation.baselines import MEAN, RAW, stripped
from model.evaluation.embedding import Embedded, embed
from model.evaluation.tasks import evaluate
from model.modality import Modality, unit
from model.training.network import build
from model.training.objective import Objective
from model.training.publish import Provenance, sources_of, write_model
from model.training.recipe import Recipe, read_recipe
from model.training.run import Run, Settings, data_digest
from model.training.state import put, read_whole
from model.training.views import Views

Figures = dict[str, float]

KINDS, SHOES = "sketchy25", "shoe304"
OURS = "ours"
SIAMESE: Mapping[str, object] = {
    "anchors": {},
    "encodings": "none",
    "instances": 0,
    "authors_share": 1.0,
    "loss_weights": {
        "clip": 0,
        "semantic_centre": 0,
        "modality_classifier": 0,
        "reconstruction": 0,
        "triplet": 1,
    },
}
AUTHORS: Mapping[str, object] = {
    "anchors": {},
    "encodings": "normal",
    "instances": 0,
    "authors_share": 1.0,
    "captions": ["a photo of a {}."],
    "logit_scale": 2.6592,
    "head_rate": 5e-3,
    "loss_weights": {"clip": 1, "semantic_centre": 0.1, "modality_classifier": 0.1, "reconstruction": 0.02},
}


def _with_instances(count: int, weight: float) -> Mapping[str, object]:
    paper = {"clip": 0, "semantic_centre": 0.1, "modality_classifier": 0.1, "reconstruction": 0.02}
    return {"instances": count, "authors_share": 0.22 + weight, "loss_weights": paper | {"instance": weight}}


VARIANTS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "triplet": SIAMESE,
        "authors": AUTHORS,
        "authors, all rows of a caption positive": AUTHORS
        | {"loss_weights": dict(AUTHORS["loss_weights"], clip=0, multi_positive=1)},  # type: ignore[call-overload]
        OURS: {},
        "with 12 instances a batch": _with_instances(12, 0.3),
        "with 20 instances a batch, weighing more": _with_instances(20, 1.0),
        "recipe lite-pairs": {"recipe": "lite-pairs"},
        "recipe lite-instances": {"recipe": "lite-instances"},
        "without prototypes": {"anchors.prototypes": 0},
        "without words": {"anchors.words": 0},
        "without across": {"anchors.across": 0},
        "without keep_photos": {"anchors.keep_photos": 0},
        "without own_photo": {"anchors.own_photo": 0},
        "without the authors' terms": {
            "loss_weights": {"clip": 0, "semantic_centre": 0, "modality_classifier": 0, "reconstruction": 0},
        },
        "ours, seed 1": {"seed": 1},
        "ours, seed 2": {"seed": 2},
    }
)
TASKS = ("zero-shot", "text-to-photo", "fine-grained")


def main() -> None:
    options = _options()
    torch.set_num_threads(os.cpu_count() or 1)
    options.out.mkdir(parents=True, exist_ok=True)
    seen, tested = _parted(options)
    found: dict[str, Figures] = {}
    for name in options.variants or (RAW, MEAN, *VARIANTS):
        file = options.out / f"{_slug(name)}.json"
        if not file.is_file():
            for variant, figures in _made(name, seen, tested, options).items():
                (options.out / f"{_slug(variant)}.json").write_text(json.dumps(figures))
        found[name] = json.loads(file.read_text())
        _write_table(found, seen, tested, options)


def _parted(options: argparse.Namespace) -> tuple[Dataset, Dataset]:
    """Split into training data and test data: the unseen labels, and the shoes that were held out."""
    data = read_manifest(options.manifest, options.root).where(lambda record: record.note != UNRECOGNIZED)
    if options.sets:
        data = data.of_sets(options.sets)
    unseen = set(read_labels(options.splits)["validation_unseen"]) & set(data.labels)
    tested = data.of_sets([KINDS, SHOES]).where(lambda record: record.label in unseen or _held_out(record))
    return data.where(lambda record: record.label not in unseen and not _held_out(record)), tested


def _held_out(record: Record) -> bool:
    return record.set == SHOES and held_out(record)


def _made(name: str, seen: Dataset, tested: Dataset, options: argparse.Namespace) -> dict[str, Figures]:
    """The figures of a variant, or of both variants that need no training."""
    untrained = name in (RAW, MEAN)
    recipe = _recipe(OURS if untrained else name, options.steps)
    folder = options.out / _slug("untrained" if untrained else name)
    _train(recipe, seen, folder, options.out, untrained=untrained)
    encoder = Encoder.load(folder / "model", engine="openvino")
    raw = embed(encoder.unstripped, tested)
    if recipe.options.model_dump().get("encodings") == "normal":
        return {name: _figures(_converted(raw, encoder))}
    own = stripped(raw, encoder)
    return {RAW: _figures(raw), MEAN: _figures(own)} if untrained else {name: _figures(own)}


def _converted(raw: Embedded, encoder: Encoder) -> Embedded:
    """Search as the authors do: convert drawings and words to photos, z - m + m_photo; use photos as they are."""
    photo = encoder.encoding(Modality.PHOTO)
    drawn = np.array([record.modality == SKETCH for record in raw.data.records])
    vectors = raw.vectors.copy()
    vectors[drawn] = unit(vectors[drawn] - encoder.encoding(Modality.SKETCH) + photo)
    words = {name: unit(text - encoder.encoding(Modality.TEXT) + photo) for name, text in raw.texts.items()}
    return replace(raw, vectors=vectors, texts=words)


def _train(recipe: Recipe, seen: Dataset, folder: Path, out: Path, *, untrained: bool) -> None:
    torch.manual_seed(recipe.seed)
    network = build(recipe)
    views = Views(seen.records, network.learner, size=recipe.size, per_record=recipe.views, seed=0)
    views.cache(out / f"seen-{len(seen)}.f16")
    objective = Objective(recipe, seen, views, network)
    objective.start()
    if not untrained:
        settings = Settings(folder, say=lambda line: print(f"{recipe.name}: {line}", flush=True))
        run = Run(objective, None, settings, data_digest(seen))
        run.resume()
        outcome = run.go()
        put(network, read_whole(outcome.weights)[0], outcome.weights)
        objective.finish()
    shutil.rmtree(folder / "model", ignore_errors=True)
    write_model(network, recipe, folder / "model", Provenance("bench.ablation", sources_of(seen, {}), {}))


def _recipe(name: str, steps: int) -> Recipe:
    changes = dict(VARIANTS[name])
    fields = read_recipe(str(changes.pop("recipe", "lite"))).model_dump() | {"steps": steps, "name": name}
    for key, value in changes.items():
        inner, _, leaf = key.partition(".")
        home = fields["options"] if inner in fields["options"] else fields
        home[inner] = home[inner] | {leaf: value} if leaf else value
    return Recipe.model_validate(fields)


def _figures(embedded: Embedded) -> Figures:
    """Zero-shot and text search on the unseen labels; single shoes among those that were held out."""
    kinds = evaluate(_part(embedded, shoes=False), model="", tasks=TASKS[:2])
    shoes = evaluate(_part(embedded, shoes=True), model="", tasks=TASKS[2:])
    ranked, worded, paired = (
        each.row(task).figures for each, task in zip((kinds, kinds, shoes), TASKS, strict=True)
    )
    return {
        "mAP": ranked["mAP@all"],
        "first hit": ranked["first_hit"],
        "hit@5": ranked["hit@5"],
        "text to photo": worded["mAP@all"],
        "shoes Acc@1": paired["Acc@1 within"],
        "shoes Acc@5": paired["Acc@5 within"],
    }


def _part(embedded: Embedded, *, shoes: bool) -> Embedded:
    rows = [row for row, record in enumerate(embedded.data.records) if (record.set == SHOES) == shoes]
    data = Dataset(embedded.data.name, tuple(embedded.data.records[row] for row in rows))
    return Embedded(data, embedded.vectors[rows], embedded.texts)


def _write_table(
    found: Mapping[str, Figures], seen: Dataset, tested: Dataset, options: argparse.Namespace
) -> None:
    columns = list(next(iter(found.values())))
    kinds = [label for label in tested.labels if label != "shoe"]
    lines = [
        f"{len(seen)} pictures of {len(seen.labels)} labels, {options.steps} steps of {read_recipe('lite').batch}; "
        f"tested on {len(kinds)} unseen labels and {sum(map(_held_out, tested.of('photo')))} unseen shoes.",
        "",
        "| what | " + " | ".join(columns) + " |",
        "| --- " * (len(columns) + 1) + "|",
        *(
            f"| {name} | " + " | ".join(f"{row[key]:.3f}" for key in columns) + " |"
            for name, row in found.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    (options.out / "ablation.md").write_text(text)
    print(text, flush=True)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("variants", nargs="*", help=f"any of: {', '.join((RAW, MEAN, *VARIANTS))}; else all")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=[KINDS, SHOES], help="to train on; default: all of them")
    parser.add_argument("--steps", type=int, default=120)
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
