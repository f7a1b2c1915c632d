"""A quick stand-in for the model, and decoders without processes: for tests of files, not of vectors."""

import hashlib
import json
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from indexer import Published
from indexer.decoding.metadata import Metadata, metadata_in
from indexer.decoding.process import _read
from indexer.decoding.thumbnails import make_thumbnail, stored_bytes, write_thumbnail
from indexer.decoding.workers import Picture, Read
from model import decode
from model.bank import Bank, Near
from model.encoder import Encoded
from model.modality import Modality, unit
from model.pictures.preprocess import photo_pixels
from model.pictures.preprocessing import STANDARD, Preprocessing

SIZE, DIMENSION = 32, 48


class StandIn:
    """Encodes a photo by its colours in a grid of 4 x 4: deterministic, and different for different photos."""

    def __init__(self, fingerprint: str = "5" * 16, *, parts: str = "") -> None:
        """`parts` is the digest of its local head; without one it has none."""
        self.fingerprint = fingerprint
        self.size, self.dimension, self.batch = SIZE, DIMENSION, 16
        self.preparation = STANDARD
        self.card = SimpleNamespace(name="stand-in", image_tower=SimpleNamespace(size=SIZE))
        self.bank: Bank | None = a_bank(fingerprint)
        self.local: ColourParts | None = ColourParts(parts) if parts else None

    def encode(self, pixels: Sequence[np.ndarray], kind: Modality) -> Encoded:
        cells = _patches(pixels).reshape(-1, 4, 4, 3) if self.local else None
        return Encoded(self.encode_photos(pixels), cells)

    def encode_photos(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
        centred = _patches(pixels) - 127.0
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def _patches(pixels: Sequence[np.ndarray]) -> np.ndarray:
    grid = np.stack(pixels).reshape(-1, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(-1, DIMENSION)
    return grid.astype(np.float32)


class ColourParts:
    """A stand-in for a local head: a row is the colours of the 16 patches that `write_photo` makes a photo of."""

    row_bytes = DIMENSION

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def pack(self, cells: np.ndarray) -> np.ndarray:
        return cells.reshape(len(cells), -1).round().clip(0, 255).astype(np.uint8)


def a_bank(fingerprint: str, *, seed: int = 0, count: int = 3) -> Bank:
    """A bank for sketches and words, none for photos."""
    drawn = np.random.default_rng(seed).standard_normal((2, 20, DIMENSION)).astype(np.float32)
    kinds = (Modality.SKETCH, Modality.TEXT)
    return Bank(
        fingerprint, {kind: Near(unit(rows), count, 0.5) for kind, rows in zip(kinds, drawn, strict=True)}
    )


class InThread:
    """Decoders without processes of their own; as with those, each thread has what it read last."""

    def __init__(self, size: int, thumbnails: Path, *, how: Preprocessing = STANDARD) -> None:
        self._size, self._thumbnails, self._how = size, thumbnails, how
        self._mine = threading.local()

    def read(self, root: Path, relative: str) -> Read:
        self._mine.data, described = _read(root, relative)
        return Read(**described)

    def drop(self) -> None:
        self._mine.data = b""

    def describe(self) -> Metadata:
        return metadata_in(self._mine.data)

    def decode(self, read: Read) -> Picture:
        decoded = decode(self._mine.data, shortest=self._size)
        thumbnail = make_thumbnail(decoded.image)
        write_thumbnail(self._thumbnails, read.content, thumbnail)
        pixels = photo_pixels(decoded.image, self._size, self._how)
        return Picture((decoded.width, decoded.height), pixels, self.describe(), stored_bytes(thumbnail))

    def close(self) -> None:
        pass


def write_photo(path: Path, seed: int) -> None:
    """A patchwork that no other seed makes."""
    dice = random.Random(seed)
    patches = Image.frombytes("RGB", (4, 4), dice.randbytes(48))
    path.parent.mkdir(parents=True, exist_ok=True)
    patches.resize((48, 48), Image.Resampling.NEAREST).save(path)


def contents(library: Path) -> dict[str, str]:
    """What an index of the library must hold."""
    return {
        path.relative_to(library).as_posix(): hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in library.rglob("*.png")
    }


def published(index: Path, seeds: dict[str, int]) -> dict[str, str]:
    """What a reader sees, by path; fails where a photo bears the vector of another.

    `seeds`: what each photo was made of, by content.
    """
    encoder = StandIn()
    opened = Published.open(index, encoder.fingerprint)
    found = {hit.photo.relative: hit.photo for hit in opened.search(np.ones((1, DIMENSION), np.float32), 999)}
    for photo in found.values():
        picture = Image.frombytes("RGB", (4, 4), random.Random(seeds[photo.content]).randbytes(48))
        pixels = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.NEAREST))
        scores = {
            hit.photo.id: hit.score for hit in opened.search(encoder.encode_photos([pixels]), len(found))
        }
        best = max(scores.values())
        assert scores[photo.id] >= best - 1e-3, f"{photo.relative} bears another photo's vector"
        assert best > 0.9
    opened.close()
    return {relative: photo.content for relative, photo in found.items()}


def photos_with_parts(index: Path, seeds: dict[str, int], head: str) -> set[str]:
    """Which contents have local parts for a reader; fails where one bears those of another photo.

    `seeds`: what each photo was made of, by content.
    """
    rows = np.array([[*random.Random(seed).randbytes(48)] for seed in seeds.values()], dtype=int)
    opened = Published.open(index, StandIn().fingerprint)
    photos = [hit.photo for hit in opened.search(np.ones((1, DIMENSION), np.float32), 999)]
    found = opened.parts(np.array([photo.id for photo in photos]), head)
    opened.close()
    if found is None:
        return set()
    there = [photo for photo, present in zip(photos, found.present.tolist(), strict=True) if present]
    for photo, row in zip(there, found.rows[found.present].astype(int), strict=True):
        # Not equal: a thumbnail has nearly the same colours.
        nearest = [*seeds][int(np.abs(rows - row).sum(axis=1).argmin())]
        assert nearest == photo.content, f"{photo.relative} bears another photo's parts"
    return {photo.content for photo in there}


class Library:
    """A folder of photos that changes at random, and remembers what each of its contents was made of."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seeds: dict[str, int] = {}
        self._dice = random.Random(seed)
        self._next = 1000 * seed

    def write(self, name: str) -> None:
        self._next += 1
        write_photo(self.folder / name, self._next)
        self.seeds[contents(self.folder)[name]] = self._next

    def change(self) -> None:
        """Adds, changes, moves, copies and deletes some photos."""
        names = sorted(contents(self.folder))
        for _ in range(2):
            self.write(f"{self._dice.choice('ab')}/{self._next}.png")
        if len(names) > 8:
            changed, moved, gone = self._dice.sample(names, 3)
            self.write(changed)
            (self.folder / moved).rename(self.folder / f"moved {self._next}.png")
            (self.folder / gone).unlink()
            if self._next % 3 == 0:
                (self.folder / self._dice.choice(sorted(contents(self.folder)))).unlink()

    def describe(self) -> str:
        return json.dumps(contents(self.folder), sort_keys=True)
