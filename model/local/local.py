"""What a model knows about local parts, in one place: `encoder.local`."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from model.errors import BadWeights
from model.local import matching
from model.local.coding import Code, Rows
from model.local.matching import Matches
from model.local.parts import Cells, Floats, Parts, centres, coarser, parts
from model.modality import Modality, Pixels, Vectors, unit

# Changes whenever the same cells would give other rows.
_LAYOUT = 1


class Local:
    """Turns the cells of pictures into parts, packs them into rows for an index, and compares them."""

    def __init__(self, path: Path, digest: str) -> None:
        """`digest` identifies the file and the model that it belongs to."""
        self.digest = hashlib.sha256(f"{digest} {_LAYOUT}".encode()).hexdigest()[:16]
        try:
            with safe_open(path, "numpy") as file:
                about = file.metadata() or {}
                names = [name for name in list(file.keys()) if "." not in name]
                read = {name: file.get_tensor(name).astype(np.float32) for name in names}
            self.side, self.width = int(about["side"]), int(about["width"])
            self._cost = float(about["cost"])
            self._code = Code(read["basis"], read["step"], int(about["stored_side"]))
            self._encodings = {Modality.SKETCH: read["sketch"], Modality.PHOTO: read["photo"]}
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise BadWeights(f"{path}: holds no local head ({error}); install sketchseek again") from None

    @property
    def row_bytes(self) -> int:
        return self._code.bytes

    def cells(self, flat: Vectors) -> Cells:
        """The cells of pictures from what an engine returns after their embeddings."""
        found: Cells = flat.reshape(len(flat), self.side, self.side, self.width + 1)
        return found

    def sketch(self, cells: Cells, pixels: Pixels) -> Parts:
        """The parts of a prepared drawing, to be shown."""
        return parts(cells, self._encodings[Modality.SKETCH], pixels)

    def photo(self, cells: Cells) -> Parts:
        """The parts of a photo, to be shown."""
        return parts(cells, self._encodings[Modality.PHOTO])

    def coarse_sketch(self, cells: Cells, pixels: Pixels) -> Parts:
        """The parts of a prepared drawing on the grid of rows, to be compared with them."""
        return self.sketch(coarser(cells, self._code.side), pixels)

    def pack(self, cells: Cells) -> Rows:
        """The rows (n, row_bytes) that an index keeps of photos."""
        side = self._code.side
        small = coarser(cells, side)[..., :-1].reshape(len(cells), side * side, self.width)
        return self._code.pack(unit(small - self._encodings[Modality.PHOTO]))

    def scores(self, sketch: Parts, rows: Rows) -> Floats:
        """How well the photos of these rows fit a drawing with the grid of rows."""
        short = replace(sketch, tokens=self._code.shortened(sketch.tokens))
        away = matching.apart(sketch.centres, centres(self._code.side), self._cost)
        return matching.scores(short, self._code.unpack(rows), away)

    def match(self, sketch: Parts, photo: Parts) -> Matches:
        """Which parts match which, and what each adds to the score."""
        return matching.match(sketch, photo, matching.apart(sketch.centres, photo.centres, self._cost))

    def without(self, sketch: Parts, photo: Parts, sets: Sequence[Collection[int]]) -> Floats:
        """The scores without each of these sets of the photo's cells."""
        away = matching.apart(sketch.centres, photo.centres, self._cost)
        return matching.without(sketch, photo, away, sets)
