"""Validation of a local head: drawings that it never saw, with the photos of their classes, in numpy as in a search."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, Dataset, Record
from model.data.loading import load_image
from model.encoder import Encoder
from model.local.parts import Cells
from model.modality import Modality, Pixels, Vectors
from model.training.views import own_photos

Floats = NDArray[np.float32]
# Of a larger set, so many drawings, spread evenly.
MOST = 1000


def compared(encoder: Encoder, data: Dataset) -> dict[str, dict[str, float]]:
    """Acc@1 and Acc@5 of own photos and hit@5 of labels, by whole pictures (`embedding`) and by `local parts`.

    The gallery is all photos of the data; figures that cannot be measured are left out.
    """
    drawn, photos = _some(data.of(SKETCH)), data.of(PHOTO)
    local = encoder.local
    if not drawn or not photos or local is None:
        return {}
    # Photos are kept as an index keeps them: their cells would take too much room.
    shown = [(vectors, local.pack(cells)) for vectors, cells, _ in _encoded(encoder, photos, Modality.PHOTO)]
    gallery, rows = (np.concatenate(each) for each in zip(*shown, strict=True))
    whole, parts = [], []
    for vectors, cells, pixels in _encoded(encoder, drawn, Modality.SKETCH):
        whole.append(vectors @ gallery.T)
        asked = [local.coarse_sketch(each, seen) for each, seen in zip(cells, pixels, strict=True)]
        parts.append(np.stack([local.scores(each, rows) for each in asked]))
    own = own_photos((*photos, *drawn))[len(photos) :]
    same = np.array([[one.label == other.label for other in photos] for one in drawn])
    return {
        name: figures(np.concatenate(scores), own, same)
        for name, scores in (("embedding", whole), ("local parts", parts))
    }


def figures(scores: Floats, own: NDArray[np.int64], same: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of scores (drawings, photos), given the row of each drawing's own photo, or -1, and the right labels."""
    found: dict[str, float] = {}
    paired = np.flatnonzero(own >= 0)
    if len(paired):
        better = scores[paired] > scores[paired, own[paired]][:, None]
        found |= {f"Acc@{count}": float((better.sum(axis=1) < count).mean()) for count in (1, 5)}
    known = same.any(axis=1)
    if known.any():
        best = np.argsort(-scores[known], axis=1, kind="stable")[:, :5]
        found["hit@5"] = float(np.take_along_axis(same[known], best, axis=1).any(axis=1).mean())
    return found


def _some(records: Sequence[Record]) -> list[Record]:
    rows = np.linspace(0, len(records) - 1, min(MOST, len(records))).round().astype(int)
    return [records[row] for row in rows]


def _encoded(
    encoder: Encoder, records: Sequence[Record], kind: Modality
) -> Iterator[tuple[Vectors, Cells, list[Pixels]]]:
    """Vectors, cells, and pixels, batch by batch."""
    drawn = kind == Modality.SKETCH
    prepare = encoder.prepare_sketch if drawn else encoder.prepare_photo
    for start in range(0, len(records), encoder.batch):
        part = records[start : start + encoder.batch]
        pixels = [prepare(load_image(each, shortest=None if drawn else encoder.shortest)) for each in part]
        found = encoder.encode(pixels, kind)
        assert found.cells is not None
        yield found.vectors, found.cells, pixels
