"""`sketchseek index` as a function, and what its index holds afterwards."""

import copy
import functools
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

import numpy as np
import pytest

from indexer import (
    Partition,
    Published,
    Report,
    Silent,
    merge,
    run,
)
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.catalogue.safekeeping import SEAL
from indexer.decoding.thumbnails import read_thumbnail, thumbnail_path, write_thumbnail
from indexer.decoding.workers import Picture, Read
from indexer.reports.progress import Progress
from model import Encoder
from model.engines import Engine
from model.modality import Pixels, Vectors
from tests.kit.standin import InThread, Library, StandIn


class Counting(Silent):
    """Hears of progress, and counts it."""

    def __init__(self) -> None:
        self.photos = 0
        self.done = 0

    def advance(self, progress: Progress) -> None:
        self.photos, self.done = progress.photos, progress.done


class Job:
    """`sketchseek index` as a function, over one index folder."""

    def __init__(self, index: Path, encoder: Encoder) -> None:
        self.index = index
        self.encoder = encoder
        self.progress = Counting()

    def __call__(self, *roots: Path, **options: Any) -> Report:
        self.progress = Counting()
        return run(self.index, roots, self.encoder, self.progress, **options)


# As it is, whatever a test puts in its place.
_load = Encoder.load


def shipped() -> Encoder:
    """The shipped model, loaded once."""
    return _shipped("lite")


@functools.cache
def _shipped(name: str) -> Encoder:
    """Each compiled graph takes 100 MB and half a second."""
    return _load(name, engine="openvino")


@contextmanager
def quickly() -> Iterator[pytest.MonkeyPatch]:
    """What loads a shipped model gets the one that is loaded; photos are decoded without processes for it, and
    none is decoded or embedded twice."""

    def loaded(name: str | Path = "lite", *, engine: str = "auto", **options: Any) -> Encoder:
        if name in ("lite", "lite-plus") and engine in ("auto", "openvino"):
            return remembering(_shipped(str(name)))
        return _load(name, engine=engine, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "load", loaded)
        patch.setattr("indexer.jobs.pipeline.Workers", _Decoders)
        yield patch


def index_quickly(index: Path, photos: Path, encoder: Encoder) -> Report:
    """As the job does, for tests of what comes afterwards: no processes, and no photo is decoded or embedded twice."""
    with quickly():
        return run(index, [photos], remembering(encoder), Silent())


def remembering(encoder: Encoder | StandIn) -> Encoder:
    """The same, but it knows the pictures that it has seen; tests index the same ones again and again.
    A stand-in has no engine, and is as quick."""
    if isinstance(encoder, StandIn):
        return cast(Encoder, encoder)
    found = copy.copy(encoder)
    found.engine = cast(Engine, _Remembering(encoder.engine))
    return found


class _Decoders(InThread):
    """They know the photos that they have seen."""

    _known: ClassVar[dict[tuple[str, int, str], tuple[Picture, bytes]]] = {}

    def decode(self, read: Read) -> Picture:
        key = read.content, self._size, repr(self._how)
        if key in self._known:
            picture, thumbnail = self._known[key]
            write_thumbnail(self._thumbnails, read.content, thumbnail)
            return picture
        picture = super().decode(read)
        thumbnail_file = thumbnail_path(self._thumbnails, read.content)
        if thumbnail_bytes := read_thumbnail(thumbnail_file):
            self._known[key] = picture, thumbnail_bytes
        return picture


class _Remembering:
    """An engine that knows what it made of pictures that it has seen."""

    _known: ClassVar[WeakKeyDictionary[Engine, dict[bytes, Vectors]]] = WeakKeyDictionary()

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def embed_images(self, pixels: Pixels) -> Vectors:
        known = self._known.setdefault(self._engine, {})
        keys = [hashlib.sha256(picture.tobytes()).digest() for picture in pixels]
        new = {key: place for place, key in enumerate(keys) if key not in known}
        if new:
            known.update(zip(new, self._engine.embed_images(pixels[[*new.values()]]), strict=True))
        return np.stack([known[key] for key in keys])


def ids(job: Job) -> dict[str, int]:
    opened = Published.open(job.index, job.encoder.fingerprint)
    hits = opened.search(np.ones((1, job.encoder.dimension), np.float32), 1000)
    return {hit.photo.relative: hit.photo.id for hit in hits}


def pretend(job: Job, assignment: str) -> None:
    """As if an earlier run had noted it, one that was killed later: nothing says how it left the catalogue."""
    (job.index / SEAL).unlink()
    db = sqlite3.connect(job.index / "catalogue.sqlite")
    with db:
        db.execute(f"UPDATE roots SET {assignment}")
    db.close()


class Machines:
    """Each embeds its part; `whole` is where they are merged."""

    def __init__(self, folder: Path, library: Library, of: int = 3) -> None:
        self.library, self.of = library, of
        self.parts = [folder / f"part{number + 1}" for number in range(of)]
        self.whole = folder / "whole"

    def embed(self, number: int, *, encoder: StandIn | None = None, **options: object) -> Report:
        """The `number`-th of them, from one."""
        return run(
            self.parts[number - 1],
            [self.library.folder],
            cast(Encoder, encoder or StandIn()),
            Silent(),
            partition=Partition(number, self.of),
            **options,  # type: ignore[arg-type]
        )

    def all(self) -> list[Report]:
        return [self.embed(number + 1) for number in range(self.of)]

    def merge(self, **options: object) -> Report:
        return merge(self.whole, self.parts, Silent(), **options)  # type: ignore[arg-type]


def entries(job: Job) -> list[Entry]:
    with Catalogue(job.index / "catalogue.sqlite") as catalogue:
        return list(catalogue.entries(job.encoder.fingerprint))


def describe_photos(monkeypatch: pytest.MonkeyPatch, described: Callable[[Entry], Entry]) -> None:
    """Let the catalogue say of each photo what `described` makes of it, since the pictures have no metadata."""
    entries, copy_entries = Catalogue.entries, Catalogue.copy_entries

    def copied(catalogue: Catalogue, target: Path, fingerprint: str) -> None:
        copy_entries(catalogue, target, fingerprint)
        told = map(described, entries(catalogue, fingerprint))
        with closing(sqlite3.connect(target)) as db, db:
            statement = "UPDATE photos SET taken = ?, camera = ?, moment = ? WHERE id = ?"
            db.executemany(statement, ((one.taken, one.camera, one.moment, one.id) for one in told))

    monkeypatch.setattr(Catalogue, "entries", lambda *given: map(described, entries(*given)))
    monkeypatch.setattr(Catalogue, "copy_entries", copied)
