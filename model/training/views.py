"""What a learner is shown: for each record some views, prepared once where its first stages are frozen.

Photos whose label has few drawings, or none, also come as pseudo-sketches: records of their own, paired with
the photo they were made from. Every view depends on the seed, the record and its number only.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from model.data.datasets import PHOTO, SKETCH, Record
from model.data.loading import load_image
from model.errors import EmptyDrawing
from model.pictures.preprocess import photo_pixels, sketch_pixels
from model.pictures.preprocessing import STANDARD, Preprocessing
from model.training.augment import varied_photo, varied_sketch
from model.training.edges import pseudo_sketch
from model.training.learner import Learner

Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]

# Marks a record as a pseudo-sketch; its path is that of the photo.
EDGES = "edges of a photo"
# Larger batches are slower on a CPU: their tensors are handed back to the system and faulted in anew each time.
CHUNK = 8


@dataclass(frozen=True)
class View:
    """One way of seeing a record: number 0 is the picture itself, the others are variations."""

    record: Record
    number: int
    seed: int

    def pixels(self, size: int, how: Preprocessing = STANDARD) -> Pixels:
        rng = np.random.default_rng([self.seed, self.number, *_digest(self.record)])
        image = load_image(self.record, shortest=size)
        if self.record.note == EDGES:
            try:
                return sketch_pixels(pseudo_sketch(image, rng), size, how)
            except EmptyDrawing:
                return np.full((size, size, 3), 255, dtype=np.uint8)
        drawn = self.record.modality == SKETCH
        plain = sketch_pixels(image, size, how) if drawn else photo_pixels(image, size, how)
        if self.number == 0:
            return plain
        return varied_sketch(plain, rng) if drawn else varied_photo(plain, rng)


def with_pseudo_sketches(records: Sequence[Record], smallest_side: int = 96) -> tuple[Record, ...]:
    """The records and, for each photo that is large enough to have edges, its pseudo-sketch."""
    photos = [
        record for record in records if record.modality == PHOTO and _shorter_side(record) >= smallest_side
    ]
    return (*records, *(as_edges(record) for record in photos))


def as_edges(photo: Record) -> Record:
    return replace(photo, modality=SKETCH, note=EDGES)


def own_photos(records: Sequence[Record]) -> NDArray[np.int64]:
    """For each record the row of the photo that it was drawn or traced from, or -1."""
    by_path = {record.path: row for row, record in enumerate(records) if record.modality == PHOTO}
    by_pair: dict[tuple[str, str | None], int] = {
        (record.set, record.pair): row
        for row, record in enumerate(records)
        if record.modality == PHOTO and record.pair is not None
    }
    rows = [
        -1
        if record.modality == PHOTO
        else by_path.get(record.path, -1)
        if record.note == EDGES
        else by_pair.get((record.set, record.pair), -1)
        for record in records
    ]
    return np.array(rows, dtype=np.int64)


class Material:
    """The views of all records: made anew at each call, or after `keep` read from one file."""

    def __init__(
        self, records: Sequence[Record], learner: Learner, *, size: int, views: int, seed: int
    ) -> None:
        self.records = tuple(records)
        self._learner, self._size, self._views, self._seed = learner, size, views, seed
        self._kept: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.records)

    def keep(self, file: Path, progress: Progress | None = None) -> None:
        """Prepare every view now. A finished file of the same records is taken as it is."""
        file.parent.mkdir(parents=True, exist_ok=True)
        done = file.with_suffix(".done")
        if not (done.is_file() and file.is_file() and done.read_text() == self._signature()):
            done.unlink(missing_ok=True)
            self._fill(file, progress)
            done.write_text(self._signature())
        self._kept = np.load(file, mmap_mode="r")

    def images(self, rows: Sequence[int], step: int | None = None) -> Tensor:
        """Prepared inputs of these rows: the pictures themselves, or at a training step any view of each."""
        numbers = np.zeros(len(rows), dtype=np.int64)
        if step is not None:
            numbers = np.random.default_rng([self._seed, step]).integers(0, self._views, size=len(rows))
        if self._kept is None:
            fresh = 0 if step is None or self._views == 1 else step
            return self._prepared(
                [self._view(row, n and n + fresh) for row, n in zip(rows, numbers.tolist(), strict=True)]
            )
        values = np.stack(
            [self._kept[row * self._views + n] for row, n in zip(rows, numbers.tolist(), strict=True)]
        )
        # Written channels last, which is how the next stage wants them.
        return torch.from_numpy(values).permute(0, 3, 1, 2).float()

    def _view(self, row: int, number: int) -> View:
        return View(self.records[row], int(number), self._seed)

    @torch.no_grad()
    def _prepared(self, views: Sequence[View]) -> Tensor:
        how = self._learner.preprocessing
        with ThreadPoolExecutor() as pool:
            pixels = list(pool.map(lambda view: view.pixels(self._size, how), views))
        # Kept as halves and trained on in bf16: more digits would only take twice as long to compute.
        with torch.autocast("cpu", torch.bfloat16):
            return self._learner.prepare(torch.from_numpy(np.stack(pixels)))

    def _fill(self, file: Path, progress: Progress | None) -> None:
        total = len(self.records) * self._views
        table: NDArray[np.float16] | None = None
        for start, values in self._chunks(total):
            if table is None:
                shape = (total, *values.shape[1:])
                table = open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
            table[start : start + len(values)] = values
            if progress is not None:
                progress(start + len(values), total)
        if isinstance(table, np.memmap):
            table.flush()

    def _chunks(self, total: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for start in range(0, total, CHUNK):
            views = [
                self._view(*divmod(place, self._views)) for place in range(start, min(start + CHUNK, total))
            ]
            yield start, self._prepared(views).permute(0, 2, 3, 1).float().numpy()

    def _signature(self) -> str:
        lines = [f"{self._size} {self._views} {self._seed}"]
        if self._learner.preprocessing != STANDARD:
            lines.append(str(self._learner.preprocessing))
        lines += [f"{record.path} {record.modality} {record.note}" for record in self.records]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest(record: Record) -> tuple[int, int]:
    name = f"{record.set} {record.label} {record.path.name} {record.note}"
    value = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big")


def _shorter_side(record: Record) -> int:
    return min(load_image(record).size)
