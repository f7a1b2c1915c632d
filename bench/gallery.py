"""Drawings against an unlabelled gallery: how often the name of one of the first ten photos has the drawing's label.

python -m bench.gallery MANIFEST.csv --root IMAGES --photos .demo/photos [--model lite] [--set quickdraw]

Photos are named by their files, as `make demo` leaves them. Of the set's drawings, those of labels that a photo's
name contains are used, equally many per label. For comparison: the same vectors unstripped, and chance.
"""

import argparse
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.embeddings import Embeddings, Vectors
from model import Encoder
from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, Dataset, Record, read_manifest
from model.evaluation.ranking import Ranker, inner_product, one_order, right_in_order
from model.evaluation.second_stage import ranker_of
from model.modality import Modality
from model.rerankers import RERANKERS, compares_parts

FIRST = 10
HITS = ("first_hit", f"hit@{FIRST}")
DRAWINGS, SET = 1200, "quickdraw"
SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True)
class Gallery:
    """Embeddings of photos and drawings before stripping, and which photos are named like which drawing."""

    photos: Vectors
    drawings: Vectors
    labels: NDArray[np.str_]
    right: NDArray[np.bool_]


def read_gallery(
    embeddings: Embeddings,
    data: Path,
    root: Path,
    folder: Path,
    *,
    name: str = SET,
    count: int = DRAWINGS,
    without: Collection[Path] = (),
) -> Gallery:
    """The photos of a folder, and about so many drawings of the set `name` that have their like there.

    `without` leaves out drawings, such as those that the model was trained on.
    """
    files = [Record(path, PHOTO, "") for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    photos, shown = embeddings.raw(files)
    drawn = [
        record
        for record in read_manifest(data, root).of_sets([name]).of(SKETCH)
        if record.note != UNRECOGNIZED and record.path not in without
    ]
    shows = {label: named(photos, label) for label in sorted({record.label for record in drawn})}
    drawings, asked = embeddings.raw(_evenly([one for one in drawn if shows[one.label].any()], count))
    labels = np.array([record.label for record in drawings])
    return Gallery(shown, asked, labels, np.stack([shows[str(label)] for label in labels]))


def untrained_gallery(embeddings: Embeddings, options: argparse.Namespace) -> tuple[Gallery, Dataset]:
    """The gallery of `--demo`, with drawings that are not among those of `--trained`; and what that manifest lists."""
    trained = read_manifest(options.trained, options.root) if options.trained else Dataset("nothing", ())
    where = (options.manifest, options.root, options.demo)
    drawn = {record.path for record in trained.records}
    return read_gallery(embeddings, *where, name=options.demo_set, without=drawn), trained


def hits(
    drawings: Vectors, photos: Vectors, right: NDArray[np.bool_], ranker: Ranker = inner_product
) -> dict[str, NDArray[np.float64]]:
    """HITS for each drawing."""
    order = one_order(ranker(photos, {Modality.SKETCH: 1.0})(drawings))
    places = right_in_order(order, right)[:, :FIRST]
    values = np.stack([places[:, 0], places.any(axis=1)]).astype(np.float64)
    return dict(zip(HITS, values, strict=True))


def main() -> None:
    options = _options()
    encoder = Encoder.load(options.model, engine="openvino")
    gallery = read_gallery(
        Embeddings(encoder),
        options.manifest,
        options.root,
        options.photos,
        name=options.set,
        count=options.drawings,
    )
    count = len(gallery.photos)
    print(
        f"{count} photos, {len(gallery.drawings)} drawings of {len(np.unique(gallery.labels))} labels, "
        f"model {encoder.card.name} {encoder.fingerprint}"
    )
    vectors = (
        encoder.strip(gallery.drawings, Modality.SKETCH),
        encoder.strip(gallery.photos, Modality.PHOTO),
        gallery.right,
    )
    # These are vectors alone: what compares local parts would find none.
    for name in [each for each in RERANKERS if not compares_parts(RERANKERS.load(each)(encoder))]:
        print(f"{name}: {_said(hits(*vectors, ranker_of(name, encoder)))}")
    print(f"unstripped: {_said(hits(gallery.drawings, gallery.photos, gallery.right))}")
    missed = np.prod(
        [1 - gallery.right.sum(1) / (count - taken) for taken in range(min(FIRST, count))], axis=0
    )
    print(f"by chance: a match among the first {FIRST} {(1 - missed).clip(0).mean():.3f}")


def _said(figures: dict[str, NDArray[np.float64]]) -> str:
    first, near = (float(figures[name].mean()) for name in HITS)
    return f"a match among the first {FIRST} {near:.3f}, first {first:.3f}"


def named(photos: Sequence[Record], label: str) -> NDArray[np.bool_]:
    pattern = re.compile(rf"\b{re.escape(label)}(s|es)?\b", re.IGNORECASE)
    return np.array([bool(pattern.search(photo.path.stem)) for photo in photos])


def _evenly(records: Sequence[Record], count: int) -> list[Record]:
    """At most so many, taken evenly from the labels."""
    by_label: dict[str, list[Record]] = {}
    for record in records:
        by_label.setdefault(record.label, []).append(record)
    each = max(1, count // max(1, len(by_label)))
    return [record for group in by_label.values() for record in group[:each]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--set", default=SET)
    parser.add_argument("--drawings", type=int, default=DRAWINGS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
