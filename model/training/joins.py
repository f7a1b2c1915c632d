"""Joining models to one as wide as the first: most of what all of them say of pictures lies in as many directions.

Vectors of both as they are would do as well, and make an index twice as large. Each model says as much as the others,
however long its vectors are. What the modalities have in common is measured anew.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from model.card import Checkpoint
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.encoder import Encoder
from model.evaluation.embedding import left_out, pictures
from model.export.folders import new_folder
from model.export.join import Narrowing, check, narrowed, side_by_side
from model.modality import Modality, Vectors, unit
from model.training.anchors import evenly, principal
from model.training.banks import complete, in_turn

Say = Callable[[str], None]
# Pictures, evenly over labels: some minutes on two cores.
MOST: Mapping[str, int] = {PHOTO: 6000, SKETCH: 3000}


def join(
    checkpoints: Sequence[Checkpoint],
    data: Dataset,
    folder: Path,
    name: str | None = None,
    *,
    most: Mapping[str, int] = MOST,
    say: Say = lambda _: None,
) -> Checkpoint:
    """Write the joined model with a bank to a new folder, all or nothing. `data`: what they were trained on."""
    check(checkpoints)
    photos, drawings = (in_turn(data, kind)[: most[kind]] for kind in (PHOTO, SKETCH))
    if not photos or not drawings:
        raise DataProblem(
            f"{data.name}: joining needs photos and sketches: found {len(photos)} and {len(drawings)}"
        )
    with new_folder(folder) as beside, TemporaryDirectory() as scratch:
        wide = side_by_side(checkpoints, Path(scratch) / "wide", name)
        encoder = Encoder.load(wide.folder, in_bulk=True)
        widths = [each.card.dimension for each in checkpoints]
        narrowed(wide, _narrowing(encoder, widths, photos, drawings, data, say), beside)
        complete(beside, data, say)
    return Checkpoint(folder)


def _narrowing(
    wide: Encoder,
    widths: Sequence[int],
    photos: Sequence[Record],
    drawings: Sequence[Record],
    data: Dataset,
    say: Say,
) -> Narrowing:
    say(f"looking at {len(photos)} photos and {len(drawings)} drawings with {len(widths)} models")
    seen, drawn = (_seen(wide, records, data.name, say) for records in (photos, drawings))
    lengths = _lengths(seen[0], widths)
    balanced = [(unit(vectors / lengths), shares) for vectors, shares in (seen, drawn)]
    # Drawings count as much as photos, of which there may be many more.
    all_vectors, all_shares = (
        torch.from_numpy(np.concatenate(parts)) for parts in zip(*balanced, strict=True)
    )
    directions: Vectors = principal(all_vectors, all_shares / 2, widths[0], centred=False).numpy().T
    encodings = {
        kind: shares @ unit(vectors @ directions)
        for kind, (vectors, shares) in zip((Modality.PHOTO, Modality.SKETCH), balanced, strict=True)
    }
    words: Vectors = directions
    if wide.reads_words:
        said = wide.unstripped.captions(data.labels)
        words = directions / _lengths(said, widths)[:, None]
        encodings[Modality.TEXT] = unit(said @ words).mean(axis=0)
    return Narrowing(directions / lengths[:, None], words, encodings)


def _seen(wide: Encoder, records: Sequence[Record], name: str, say: Say) -> tuple[Vectors, Vectors]:
    """The vectors of those that can be read, and the share of each in a mean over labels."""
    found, damaged = pictures(wide.unstripped, records)
    for remark in left_out(damaged):
        say(remark)
    if not found:
        raise DataProblem(f"{name}: no picture of {len(records)} is usable; the first is {damaged[0]}")
    kept = sorted(found)
    labels = np.unique([records[place].label for place in kept], return_inverse=True)[1]
    return np.stack([found[place] for place in kept]), evenly(labels).numpy()


def _lengths(vectors: Vectors, widths: Sequence[int]) -> Vectors:
    """How long each model's part of these vectors is in the mean, for each number of it."""
    parts = np.split(vectors, np.cumsum(widths)[:-1], axis=1)
    means = [np.linalg.norm(part, axis=1).mean() for part in parts]
    lengths: Vectors = np.repeat(means, widths).astype(np.float32)
    return lengths
