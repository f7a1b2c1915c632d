"""Whitening queries: drawings differ most in directions that say little of what is drawn, and words do likewise.

A whitened query is its semantic vector times inv(I + strength d C), where C are the second moments of training queries
of its kind, and d is the number of dimensions. That is how linear discriminant analysis makes a classifier of a single
example: by what all other examples look like. Photos stay as they are, so that what they say of each other does, too.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from model.card import Checkpoint
from model.data.datasets import SKETCH, DataProblem, Dataset
from model.encoder import Encoder
from model.export.folders import copy_parts, new_folder, write_card
from model.export.several import Tensors, save
from model.modality import WHITENING, Modality, Vectors, strip
from model.training.banks import complete, drawn, shuffled, usable

Say = Callable[[str], None]
# Chosen on labels that the model never saw: docs/training.md.
STRENGTH: Mapping[Modality, float] = {Modality.SKETCH: 0.1, Modality.TEXT: 1 / 3}
# Drawings, as they come: of common kinds more than of others.
MOST = 3000


def whiten(
    checkpoint: Checkpoint,
    data: Dataset,
    folder: Path,
    name: str | None = None,
    *,
    most: int = MOST,
    say: Say = lambda _: None,
) -> Checkpoint:
    """Write a copy that whitens drawings and words, with a bank of its own, all or nothing.

    `data`: what the model was trained on. A model that whitens already is whitened anew.
    """
    drawings = shuffled(usable(data).of(SKETCH))[:most]
    if not drawings:
        raise DataProblem(f"{data.name} has no sketches, which whitening is measured with")
    encoder = Encoder.load(checkpoint.folder, in_bulk=True)
    with new_folder(folder) as beside:
        say(f"looking at {len(drawings)} drawings")
        queries = {Modality.SKETCH: drawn(encoder.unstripped, drawings, data.name, say)}
        if encoder.reads_words:
            queries[Modality.TEXT] = encoder.unstripped.captions(data.labels)
        heads: Tensors = load_file(checkpoint.file("heads")) | {
            f"{WHITENING}{kind}": whitening(strip(vectors, encoder.encoding(kind)), STRENGTH[kind])
            for kind, vectors in queries.items()
        }
        _write(checkpoint, heads, beside, name)
        complete(beside, data, say)
    return Checkpoint(folder)


def whitening(queries: Vectors, strength: float) -> NDArray[np.float16]:
    """The matrix by which semantic vectors of such queries (n, d) are multiplied."""
    rows = queries.astype(np.float64)
    count, dimension = rows.shape
    moments = rows.T @ rows / count
    # Symmetric, with eigenvalues between 0 and 1.
    return np.linalg.inv(np.eye(dimension) + strength * dimension * moments).astype(np.float16)


def _write(checkpoint: Checkpoint, heads: Tensors, folder: Path, name: str | None) -> None:
    card = checkpoint.card
    kept = [part for part in card.weights if part not in ("heads", "bank")]
    copy_parts(checkpoint, kept, folder)
    written = save(checkpoint, "heads", heads, folder)
    changed = {
        "name": name or card.name,
        "description": f"{card.description}; queries whitened",
        "weights": {part: card.weights[part] for part in kept} | {"heads": written},
        # Those of the model as it was do not apply.
        "figures": {},
        "relevance": None,
    }
    write_card(card.model_copy(update=changed), folder)
