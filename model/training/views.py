"""Views: what a learner sees of each record, and what is known about it.

A record has some views, prepared once if the learner's first stages are frozen. Every view depends only on the
seed, the record and its number.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data.datasets import PHOTO, SKETCH, Record
from model.data.loading import load_image
from model.modality import Pixels
from model.pictures.preprocess import photo_pixels, sketch_pixels
from model.pictures.preprocessing import STANDARD, Preprocessing
from model.training.cache import CHUNK, Layout, Say, ViewFile
from model.training.frozen import Frozen
from model.training.learners.base import Learner
from model.training.losses import encodings
from model.training.memory import Memory, Rows
from model.training.variations.light import varied_photo, varied_sketch
from model.training.variations.rich import rich_photo, rich_sketch

BATCH = 64
# Where nearly all photos are of one label, another one shows that, too.
_TRIES = 20


@dataclass(frozen=True)
class View:
    """One view of a record: number 0 is the picture itself, the others are variations."""

    record: Record
    number: int
    seed: int
    # What a rich variation may show besides; without any, variations are light.
    photos: tuple[Record, ...] = ()

    def pixels(self, size: int, how: Preprocessing = STANDARD) -> Pixels:
        rng = np.random.default_rng([self.seed, self.number, *_digest(self.record)])
        image = load_image(self.record, shortest=size)
        drawn = self.record.modality == SKETCH
        plain = sketch_pixels(image, size, how) if drawn else photo_pixels(image, size, how)
        if self.number == 0:
            return plain
        if self.photos and drawn:
            return rich_sketch(plain, size, how, rng)
        if self.photos:
            return rich_photo(plain, lambda: self._another(size, how, rng), rng)
        return varied_sketch(plain, rng) if drawn else varied_photo(plain, rng)

    def _another(self, size: int, how: Preprocessing, rng: np.random.Generator) -> Pixels:
        """A photo of something else, as far as labels say so."""
        for _ in range(_TRIES):
            photo = self.photos[int(rng.integers(len(self.photos)))]
            if photo.label != self.record.label:
                break
        return photo_pixels(load_image(photo, shortest=size), size, how)


@dataclass(frozen=True)
class Variety:
    """How much views differ: richly or lightly, and made anew how often within how many steps."""

    rich: bool = False
    turns: int = 1
    steps: int = 1

    def turn(self, step: int) -> int:
        return min(step * self.turns // self.steps, self.turns - 1)


LIGHT = Variety()


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
            words=read_words(names, captions, learner) if learner.reads_words else None,
            unlabelled=unlabelled,
        )


def read_words(names: Sequence[str], captions: Sequence[str], learner: Learner) -> Tensor:
    """What the learner reads each name as, in each caption (names, captions, ...)."""
    said = [caption.format(name) for name in names for caption in captions]
    # Texts of a batch are padded to the longest one, so those of like length are read together.
    order = sorted(range(len(said)), key=lambda number: len(said[number]))
    some = (order[start : start + BATCH] for start in range(0, len(order), BATCH))
    read = torch.cat([learner.read([said[number] for number in numbers]) for numbers in some])
    given = torch.empty_like(read)
    given[torch.tensor(order)] = read
    return given.view(len(names), len(captions), *read.shape[1:])


class Views:
    """The views of all records: made on each call or, after `cache`, read from one file."""

    def __init__(
        self,
        records: Sequence[Record],
        learner: Learner,
        *,
        size: int,
        per_record: int,
        seed: int,
        variety: Variety = LIGHT,
    ) -> None:
        self.records = tuple(records)
        self._learner, self._size, self._per_record, self._seed = learner, size, per_record, seed
        self._variety = variety
        self._photos = tuple(record for record in self.records if record.modality == PHOTO)
        self._file: ViewFile | None = None
        self._memory: Memory | None = None
        self._said: Say | None = None
        self._frozen: Frozen | None = None
        self._turn = threading.Lock()
        # The place of each record among those that were cached.
        self._places = np.arange(len(self.records))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def cached(self) -> bool:
        return self._file is not None

    def cache(self, file: Path, said: Say | None = None) -> None:
        """Prepare the views now. A complete file of the same records is used as it is, and a killed one continued.

        If the views are made anew in the course of a run, the file is left as it is until a step asks for some.
        Beside it is kept what `said` is told by the first tower.
        """
        signature = self._signature()
        layout = Layout(signature, len(self.records), self._per_record)
        self._memory = Memory(len(self.records), file.with_suffix(".said"), signature)
        # Stored in fp16 and trained on in bf16: where a CPU has that, more precision would only double the time.
        if not self._learner.in_half("cpu"):
            self._frozen = Frozen(self._learner, self._learner.prepare)
        self._file, self._said = ViewFile(file, layout, self._made), said
        self._file.open(said)

    def part(self, rows: Sequence[int]) -> "Views":
        """The views of some of the records, from the same cache."""
        found = copy(self)
        found.records = tuple(self.records[row] for row in rows)
        found._places = self._places[np.asarray(rows, dtype=np.int64)]
        return found

    def remember(self) -> None:
        """Keep what the first tower says of the pictures in memory: for many trainings from one start."""
        self._memory = Memory(len(self.records))

    def said(
        self, what: str, learner: Learner, rows: Sequence[int] | Rows, say: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """What `say` makes of the pictures themselves, without variation; `what` names it."""
        device = next(learner.parameters()).device
        asked = np.asarray(rows, dtype=np.int64)
        asks = say if learner.in_half(device.type) else Frozen(learner, say).first

        def ask(wanted: Rows) -> Tensor:
            parts = (asked[wanted[at : at + BATCH]].tolist() for at in range(0, len(wanted), BATCH))
            return torch.cat([asks(self.images(part).to(device)).cpu() for part in parts])

        if self._memory is None:
            return ask(np.arange(len(asked)))
        return self._memory.of(what, getattr(learner, "backbone", learner), self._places[asked], ask)

    def images(self, rows: Sequence[int], step: int | None = None) -> Tensor:
        """Return prepared inputs of these rows: the pictures themselves or, in a training step, any view of each."""
        slots = np.zeros(len(rows), dtype=np.int64)
        if step is not None:
            slots = np.random.default_rng([self._seed, step]).integers(0, self._per_record, size=len(rows))
        if self._file is None:
            fresh = 0 if step is None or self._per_record == 1 else step
            return self._prepared(
                [self._view(row, n and n + fresh) for row, n in zip(rows, slots.tolist(), strict=True)]
            )
        if step is not None:
            self._file.turn_to(self._variety.turn(step), self._said)
        places = self._places[np.asarray(rows, dtype=np.int64)] * self._per_record + slots
        values = np.stack([self._file.values[place] for place in places.tolist()])
        # Stored channels last, the layout that the next stage needs.
        return torch.from_numpy(values).permute(0, 3, 1, 2).float()

    def _view(self, row: int, number: int) -> View:
        return View(self.records[row], int(number), self._seed, self._photos if self._variety.rich else ())

    @torch.no_grad()
    def _prepared(self, views: Sequence[View]) -> Tensor:
        how = self._learner.preprocessing
        with ThreadPoolExecutor() as pool:
            pixels = list(pool.map(lambda view: view.pixels(self._size, how), views))
        pictures = torch.from_numpy(np.stack(pixels))
        # The next pictures are drawn in the meantime.
        with self._turn:
            if self._frozen is not None:
                return self._frozen.first(pictures)
            with self._learner.autocast("cpu"):
                return self._learner.prepare(pictures)

    def _made(self, wanted: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        views = [self._view(row, number) for row, number in wanted]
        found: NDArray[np.float32] = self._prepared(views).permute(0, 2, 3, 1).float().numpy()
        return found

    def _signature(self) -> str:
        lines = [f"{self._size} {self._per_record} {self._seed}"]
        if self._learner.preprocessing != STANDARD:
            lines.append(str(self._learner.preprocessing))
        if self._variety.rich:
            lines.append("rich")
        lines += [f"{record.path} {record.modality} {record.note}" for record in self.records]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
