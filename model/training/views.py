"""Views: what a learner sees of each record, and what is known about it.

A record has some views, prepared once if the learner's first stages are frozen. Every view depends only on the
seed, the record and its number.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from model.data.datasets import PHOTO, SKETCH, Record
from model.data.loading import load_image
from model.modality import Pixels
from model.pictures.preprocess import photo_pixels, sketch_pixels
from model.pictures.preprocessing import STANDARD, Preprocessing
from model.training.augment import varied_photo, varied_sketch
from model.training.learners.base import Learner
from model.training.losses import encodings

# Larger batches are slower on a CPU: their tensors are returned to the system and faulted in again each time.
CHUNK = 8
# After so many views, those in the file are safe from a kill.
_SYNCED = 1024


@dataclass(frozen=True)
class View:
    """One view of a record: number 0 is the picture itself, the others are variations."""

    record: Record
    number: int
    seed: int

    def pixels(self, size: int, how: Preprocessing = STANDARD) -> Pixels:
        rng = np.random.default_rng([self.seed, self.number, *_digest(self.record)])
        image = load_image(self.record, shortest=size)
        drawn = self.record.modality == SKETCH
        plain = sketch_pixels(image, size, how) if drawn else photo_pixels(image, size, how)
        if self.number == 0:
            return plain
        return varied_sketch(plain, rng) if drawn else varied_photo(plain, rng)


def own_photos(records: Sequence[Record]) -> NDArray[np.int64]:
    """For each record the row of the photo that it was drawn from, or -1."""
    by_pair: dict[tuple[str, str | None], int] = {
        (record.set, record.pair): row
        for row, record in enumerate(records)
        if record.modality == PHOTO and record.pair is not None
    }
    rows = [
        -1 if record.modality == PHOTO else by_pair.get((record.set, record.pair), -1) for record in records
    ]
    return np.array(rows, dtype=np.int64)


@dataclass(frozen=True)
class Annotations:
    """What is known about the records besides their pixels; rows correspond to those of the views.

    `labels` are places in `names`; `modality` rows of the table of encodings; `own_photo` rows of the photos that
    sketches were drawn from, -1 without one; `words` (labels, captions, ...) what the learner reads labels as.
    """

    records: tuple[Record, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    modality: NDArray[np.int64]
    own_photo: NDArray[np.int64]
    words: Tensor | None
    # Photos that nothing is known of, for methods that learn from them, too.
    unlabelled: "Views | None" = None

    @classmethod
    def of(
        cls,
        records: Sequence[Record],
        names: Sequence[str],
        captions: Sequence[str],
        learner: Learner,
        unlabelled: "Views | None" = None,
    ) -> "Annotations":
        number = {name: place for place, name in enumerate(names)}
        kinds = [encodings.PHOTO if record.modality == PHOTO else encodings.SKETCH for record in records]
        return cls(
            records=tuple(records),
            names=tuple(names),
            labels=np.array([number[record.label] for record in records], dtype=np.int64),
            modality=np.array(kinds, dtype=np.int64),
            own_photo=own_photos(records),
            words=_read(names, captions, learner) if learner.reads_words else None,
            unlabelled=unlabelled,
        )


def _read(names: Sequence[str], captions: Sequence[str], learner: Learner) -> Tensor:
    said = [caption.format(name) for name in names for caption in captions]
    read = torch.cat([learner.read(said[start : start + 256]) for start in range(0, len(said), 256)])
    return read.view(len(names), len(captions), *read.shape[1:])


class Views:
    """The views of all records: made on each call or, after `cache`, read from one file."""

    def __init__(
        self, records: Sequence[Record], learner: Learner, *, size: int, per_record: int, seed: int
    ) -> None:
        self.records = tuple(records)
        self._learner, self._size, self._per_record, self._seed = learner, size, per_record, seed
        self._cached: NDArray[np.float16] | None = None
        # The place of each record among those that were cached.
        self._places = np.arange(len(self.records))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def cached(self) -> bool:
        return self._cached is not None

    def cache(self, file: Path, said: Callable[[int, int], None] | None = None) -> None:
        """Prepare every view now. A complete file of the same records is used as it is, and a killed one continued."""
        file.parent.mkdir(parents=True, exist_ok=True)
        done = file.with_suffix(".done")
        if not (done.is_file() and file.is_file() and done.read_text() == self._signature()):
            done.unlink(missing_ok=True)
            self._fill(file, said)
            done.write_text(self._signature())
            _progress(file).unlink(missing_ok=True)
        self._cached = np.load(file, mmap_mode="r")

    def part(self, rows: Sequence[int]) -> "Views":
        """The views of some of the records, from the same cache."""
        found = copy(self)
        found.records = tuple(self.records[row] for row in rows)
        found._places = self._places[np.asarray(rows, dtype=np.int64)]
        return found

    def images(self, rows: Sequence[int], step: int | None = None) -> Tensor:
        """Return prepared inputs of these rows: the pictures themselves or, in a training step, any view of each."""
        numbers = np.zeros(len(rows), dtype=np.int64)
        if step is not None:
            numbers = np.random.default_rng([self._seed, step]).integers(0, self._per_record, size=len(rows))
        if self._cached is None:
            fresh = 0 if step is None or self._per_record == 1 else step
            return self._prepared(
                [self._view(row, n and n + fresh) for row, n in zip(rows, numbers.tolist(), strict=True)]
            )
        values = np.stack(
            [
                self._cached[self._places[row] * self._per_record + n]
                for row, n in zip(rows, numbers.tolist(), strict=True)
            ]
        )
        # Stored channels last, the layout that the next stage needs.
        return torch.from_numpy(values).permute(0, 3, 1, 2).float()

    def _view(self, row: int, number: int) -> View:
        return View(self.records[row], int(number), self._seed)

    @torch.no_grad()
    def _prepared(self, views: Sequence[View]) -> Tensor:
        how = self._learner.preprocessing
        with ThreadPoolExecutor() as pool:
            pixels = list(pool.map(lambda view: view.pixels(self._size, how), views))
        # Stored in fp16 and trained on in bf16: more precision would only double the time.
        with self._learner.autocast("cpu"):
            return self._learner.prepare(torch.from_numpy(np.stack(pixels)))

    def _fill(self, file: Path, said: Callable[[int, int], None] | None) -> None:
        total = len(self.records) * self._per_record
        first, table = self._filled(file)
        for start, values in self._chunks(first, total):
            if table is None:
                shape = (total, *values.shape[1:])
                table = open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
            end = start + len(values)
            table[start:end] = values
            if isinstance(table, np.memmap) and (end % _SYNCED < CHUNK or end == total):
                table.flush()
                _progress(file).write_text(f"{self._signature()} {end}")
            if said is not None:
                said(end, total)

    def _filled(self, file: Path) -> tuple[int, NDArray[np.float16] | None]:
        """How many views of these very records a killed call left in the file, and the file."""
        try:
            signature, _, count = _progress(file).read_text().partition(" ")
            if signature == self._signature():
                # Opened for writing, a file that was cut would be lengthened without a word.
                np.load(file, mmap_mode="r")
                return int(count), np.load(file, mmap_mode="r+")
        except (OSError, ValueError):
            # Nothing was left, or less than was said.
            pass
        return 0, None

    def _chunks(self, first: int, total: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for start in range(first, total, CHUNK):
            views = [
                self._view(*divmod(place, self._per_record))
                for place in range(start, min(start + CHUNK, total))
            ]
            yield start, self._prepared(views).permute(0, 2, 3, 1).float().numpy()

    def _signature(self) -> str:
        lines = [f"{self._size} {self._per_record} {self._seed}"]
        if self._learner.preprocessing != STANDARD:
            lines.append(str(self._learner.preprocessing))
        lines += [f"{record.path} {record.modality} {record.note}" for record in self.records]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _progress(file: Path) -> Path:
    return file.with_suffix(".part")


def every_tenth(say: Callable[[str], None]) -> Callable[[int, int], None]:
    """Tell how far `cache` is, ten times."""

    def said(done: int, total: int) -> None:
        if done * 10 // total != max(done - CHUNK, 0) * 10 // total:
            say(f"  {done} of {total}")

    return said


def _digest(record: Record) -> tuple[int, int]:
    name = f"{record.set} {record.label} {record.path.name} {record.note}"
    value = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big")
