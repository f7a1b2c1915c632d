"""What a reader sees: the published generation, verified, open, and ready to be searched."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from indexer import generation
from indexer.catalogue import Catalogue, Entry
from indexer.errors import BrokenGeneration, WrongModel
from indexer.generation import Manifest
from indexer.photos import Photo, Photos, write_photos
from indexer.stores import Ids, Store
from indexer.stores.faiss import FaissStore, build_flat
from indexer.vectors import ShardReader
from model import Encoder
from model.modality import Vectors

STORE_FILE = "index.faiss"
PHOTOS_FILE = "photos.sqlite"
_CHUNK = 8192


@dataclass(frozen=True)
class Hit:
    """A photo that a search found."""

    photo: Photo
    score: float


class Published:
    """An open generation. Searching it from several threads is safe; it never changes."""

    def __init__(self, index: Path, manifest: Manifest, store: Store, photos: Photos) -> None:
        self.index = index
        self.manifest = manifest
        self.identity = ""
        self._store = store
        self._photos = photos

    @classmethod
    def open(cls, index: Path, fingerprint: str) -> Self:
        """Opens what CURRENT names, once every byte is checked and a stored vector has found itself."""
        folder = generation.current(index)
        manifest = generation.verify(folder)
        if not {STORE_FILE, PHOTOS_FILE} <= set(manifest.files):
            raise BrokenGeneration(f"{folder}: its manifest lacks a file; run sketchseek index again")
        if manifest.fingerprint != fingerprint:
            raise WrongModel(
                f"{index}: made by another model ({manifest.model}, {manifest.fingerprint}) than the one loaded "
                f"({fingerprint}); embed the photos anew with: sketchseek index --index {index}"
            )
        opened = cls(index, manifest, FaissStore(folder / STORE_FILE), Photos(folder / PHOTOS_FILE))
        opened.identity = generation.identity(folder)
        opened._prove()
        return opened

    def __len__(self) -> int:
        return len(self._store)

    def search(self, query: Vectors, k: int) -> list[Hit]:
        """The k best photos for one semantic vector, best first."""
        ids, scores = self._store.search(query.reshape(1, -1), k)
        photos = self._photos.get(ids[0].tolist())
        pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
        return [Hit(photos[number], score) for number, score in pairs if number in photos]

    def photo(self, public_id: str) -> Photo | None:
        """The photo of an id that a search gave out; None for any other text."""
        try:
            number = int(public_id, 16)
        except ValueError:
            return None
        found = self._photos.get([number]) if number < 2**63 else {}
        photo = found.get(number)
        return photo if photo and photo.public_id == public_id else None

    def close(self) -> None:
        self._photos.close()

    def _prove(self) -> None:
        """Counts agree and a canary finds itself: what checksums of wrongly made files could not tell."""
        if not len(self._store) == len(self._photos) == self.manifest.photos:
            raise BrokenGeneration(
                f"{self.index}: vectors and photos differ in number; run sketchseek index again"
            )
        canary = self._store.sample()
        if canary is None:
            return
        number, vector = canary
        found, scores = self._store.search(vector, 1)
        # A copy of the canary may come first; then it must be just as near.
        if int(found[0, 0]) != number and float(scores[0, 0]) < 0.999 * float((vector @ vector.T)[0, 0]):
            raise BrokenGeneration(f"{self.index}: a photo does not find itself; run sketchseek index again")


def publish(index: Path, encoder: Encoder, catalogue: Catalogue, vectors: Path) -> Manifest:
    """Makes a generation of everything that the catalogue holds for this model, and lets CURRENT name it."""
    reader = ShardReader(vectors, encoder.dimension)

    def write(folder: Path, name: str) -> Manifest:
        batches = _batches(catalogue.entries(encoder.fingerprint), reader)
        kind = build_flat(folder / STORE_FILE, encoder.dimension, batches)
        entries = list(catalogue.entries(encoder.fingerprint))
        write_photos(folder / PHOTOS_FILE, map(_photo, entries))
        return Manifest(
            format=generation.FORMAT,
            generation=name,
            created=generation.now(),
            model=encoder.card.name,
            fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
            store=kind,
            photos=len(entries),
            revision=catalogue.revision,
            files=generation.describe(folder),
        )

    return generation.publish(index, write)


def _photo(entry: Entry) -> Photo:
    return Photo(entry.id, entry.root, entry.relative, entry.content, entry.width, entry.height)


def _batches(entries: Iterator[Entry], reader: ShardReader) -> Iterator[tuple[Ids, Vectors]]:
    """Chunks of one shard each, so that memory stays small however large the library is."""
    chunk: list[Entry] = []
    for entry in entries:
        if chunk and (entry.shard != chunk[0].shard or len(chunk) == _CHUNK):
            yield _load(chunk, reader)
            chunk = []
        chunk.append(entry)
    if chunk:
        yield _load(chunk, reader)


def _load(chunk: list[Entry], reader: ShardReader) -> tuple[Ids, Vectors]:
    rows = reader.rows(chunk[0].shard, [entry.row for entry in chunk])
    return np.array([entry.id for entry in chunk], dtype=np.int64), rows.astype(np.float32)
