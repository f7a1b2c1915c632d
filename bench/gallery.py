"""Drawings against an unlabelled gallery: how often the name of one of the first ten photos has the drawing's label.

python -m bench.gallery MANIFEST.csv --root IMAGES --photos .demo/photos [--model lite] [--set quickdraw]

Photos are named by their files, as `make demo` leaves them. Of the set's drawings, those of labels that a photo's
name contains are used, equally many per label. For comparison: the same vectors unstripped, and chance.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import Encoder, decode
from model.data.datasets import SKETCH, UNRECOGNIZED, Record, read_manifest
from model.modality import Modality

FIRST = 10


def main() -> None:
    options = _options()
    encoder = Encoder.load(options.model, engine="openvino")
    files = sorted(path for path in options.photos.rglob("*") if path.suffix.lower() in (".png", ".jpg"))
    data = read_manifest(options.manifest, options.root).of_sets([options.set])
    drawn = [record for record in data.records if record.modality == SKETCH and record.note != UNRECOGNIZED]
    named = {label: named(files, label) for label in data.labels}
    asked = _evenly([record for record in drawn if named[record.label].any()], options.drawings)
    print(
        f"{len(files)} photos, {len(asked)} drawings of {len({record.label for record in asked})} labels, "
        f"model {encoder.card.name} {encoder.fingerprint}"
    )
    photos = encoder.unstripped.photos([decode(path, shortest=encoder.size).image for path in files])
    drawings = encoder.unstripped.sketches([decode(record.path, keep_alpha=True).image for record in asked])
    right = np.stack([named[record.label] for record in asked])
    semantic = encoder.strip(drawings, Modality.SKETCH) @ encoder.strip(photos, Modality.PHOTO).T
    chance = 1 - np.prod([1 - right.sum(1) / (len(files) - taken) for taken in range(FIRST)], axis=0)
    print(f"a match among the first {FIRST}: {_hits(semantic, right):.3f}   wanted: .50")
    print(f"unstripped {_hits(drawings @ photos.T, right):.3f}, by chance {chance.clip(0).mean():.3f}")


def named(files: Sequence[Path], label: str) -> NDArray[np.bool_]:
    pattern = re.compile(rf"\b{re.escape(label)}(s|es)?\b", re.IGNORECASE)
    return np.array([bool(pattern.search(path.stem)) for path in files])


def _evenly(records: Sequence[Record], count: int) -> list[Record]:
    """At most so many, taken evenly from the labels."""
    by_label: dict[str, list[Record]] = {}
    for record in records:
        by_label.setdefault(record.label, []).append(record)
    each = max(1, count // max(1, len(by_label)))
    return [record for group in by_label.values() for record in group[:each]]


def _hits(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    first = np.argpartition(-scores, FIRST, axis=1)[:, :FIRST]
    return float(np.take_along_axis(right, first, axis=1).any(axis=1).mean())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--set", default="quickdraw")
    parser.add_argument("--drawings", type=int, default=1200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
