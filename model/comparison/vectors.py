"""The vectors of a cell: of all that is asked and shown, as the method embeds it and with each modality's mean off."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.comparison.material import Material
from model.comparison.training import Trained
from model.data.datasets import Record
from model.modality import Modality, Vectors, strip
from model.training.anchors import some_of_each
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.needs import Need
from model.training.network import Network
from model.training.validation import embedded

AS_IS, MEANS_OFF = "as it is", "means off"
# Of those, the labels' words are measured as well, if the method learns from words.
_FILE = "vectors.npz"


@dataclass(frozen=True)
class Found:
    """Unit vectors, row by row those of the material's parts; `texts` of the unseen labels, sorted, or empty."""

    unseen: Vectors
    others: Vectors
    pairs: Vectors
    texts: Vectors
    # Some drawings of each label, as training had them.
    drawn: Vectors
    # The mean photo, sketch and text of the training data.
    means: Vectors

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_FILE}.part"
        with part.open("wb") as opened:
            np.savez(opened, **{name: value.astype(np.float16) for name, value in vars(self).items()})
        part.replace(folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> "Found":
        with np.load(folder / _FILE) as stored:
            return cls(**{name: stored[name].astype(np.float32) for name in stored.files})

    def means_off(self, material: Material) -> "Found":
        """The same vectors without what those of a modality have in common, as measured in training."""
        photo, sketch, text = self.means
        kinds = {Modality.PHOTO: photo, Modality.SKETCH: sketch}

        def each(vectors: Vectors, records: tuple[Record, ...]) -> Vectors:
            found = vectors.copy()
            modality = np.array([record.modality for record in records])
            for kind, mean in kinds.items():
                rows = modality == kind
                if rows.any():
                    found[rows] = strip(vectors[rows], mean)
            return found

        pairs = material.pairs.data.records if material.pairs else ()
        return replace(
            self,
            unseen=each(self.unseen, material.unseen.data.records),
            others=strip(self.others, photo),
            pairs=each(self.pairs, pairs) if len(self.pairs) else self.pairs,
            texts=strip(self.texts, text) if len(self.texts) else self.texts,
            drawn=strip(self.drawn, sketch),
        )


def embed(trained: Trained, material: Material) -> Found:
    network, known = trained.network, trained.objective.known
    unseen = material.unseen
    pairs = (
        embedded(network, material.pairs.views, range(len(material.pairs.views))) if material.pairs else None
    )
    width = trained.objective.recipe.dimension
    nothing = np.empty((0, width), dtype=np.float32)
    measured = np.zeros((3, width), dtype=np.float32)
    drawn = nothing
    for place, kind in enumerate((PHOTO, SKETCH)):
        rows: NDArray[np.int64] = some_of_each(known, kind)
        drawn = embedded(network, trained.objective.views, rows.tolist())
        measured[place] = drawn.mean(axis=0)
    texts = nothing
    if Need.WORDS in network.method.needs and known.words is not None:
        measured[2] = _words(network, list(known.names)).mean(axis=0)
        texts = _words(network, list(unseen.data.labels))
    return Found(
        embedded(network, unseen.views, range(len(unseen.views))),
        embedded(network, material.seen.views, material.others),
        nothing if pairs is None else pairs,
        texts,
        drawn,
        measured,
    )


@torch.no_grad()
def _words(network: Network, names: list[str]) -> Vectors:
    """What a user would type: the bare name."""
    read = network.learner.read(names)
    found: Vectors = network.method.texts(network.learner, read).numpy()
    return found
