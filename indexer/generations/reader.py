"""A published generation: verified, open, and ready to search."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BrokenGeneration, WrongModel
from indexer.generations import generation
from indexer.generations.biases import open_store
from indexer.generations.browsing import Browses, Browsing
from indexer.generations.manifest import MANIFEST, Manifest, identity, read_manifest, verify
from indexer.generations.photos import PHOTOS_FILE, Photos
from indexer.generations.proof import lost_file, named_in, prove, read_later
from indexer.generations.watch import Watch
from indexer.library import search
from indexer.nearest import best_of_groups, ordered, scored, settled, usable, with_duplicates
from indexer.parts.reader import LocalParts
from indexer.stores import Ids, Selection
from indexer.stores.biased import BiasedStore
from indexer.stores.registry import Stores
from indexer.values import Filter, Hit, Nearest, PartRows, Photo, Refused
from model.bank import weights_of
from model.modality import Modality, Vectors

log = logging.getLogger("sketchseek")
# Selections to cache: a filter repeats with every stroke of a drawing.
_REMEMBERED = 16


class Published(Browses):
    """An open generation. It never changes, and searching it is thread-safe.

    `refused` lists the current generation, and others newer than this one, that turned out to be damaged.
    All lookups raise BrokenGeneration if a file was changed after opening.
    """

    def __init__(
        self,
        index: Path,
        manifest: Manifest,
        store: BiasedStore,
        photos: Photos,
        watch: Watch | None = None,
        parts: LocalParts | None = None,
    ) -> None:
        self.index = index
        self.manifest = manifest
        self.identity = ""
        self.refused: tuple[Refused, ...] = ()
        self._store = store
        self._photos = photos
        self._browsing = Browsing(photos.twin())
        self._watch = watch or Watch(())
        self._parts = parts
        self._selections: OrderedDict[Filter, Selection] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        index: Path,
        fingerprint: str,
        *,
        fall_back: bool = True,
        past_models: bool = False,
        stores: Stores | None = None,
    ) -> Self:
        """Open the current generation, after verifying every byte and that a search finds a stored vector.

        If it is damaged, opens the newest intact generation of the same model instead, with a warning, unless
        `fall_back` is false. With `past_models`, also does so if the current one is from another model.
        """
        stores = stores or Stores()
        try:
            return cls._open(index, generation.current(index), fingerprint, stores)
        except (BrokenGeneration, WrongModel) as error:
            if not fall_back or (isinstance(error, WrongModel) and not past_models):
                raise
            damaged = error
        refused = [Refused(named_in(index), str(damaged))]
        for folder in generation.generations(index):
            if folder.name == refused[0].generation:
                continue
            try:
                opened = cls._open(index, folder, fingerprint, stores)
            except (BrokenGeneration, WrongModel) as error:
                refused.append(Refused(folder.name, str(error)))
                continue
            opened.refused = tuple(refused)
            log.warning("serving generation %s instead: %s", folder.name, refused[0].reason)
            return opened
        raise damaged

    @classmethod
    def _open(cls, index: Path, folder: Path, fingerprint: str, stores: Stores) -> Self:
        # Check the model first: a service retries every few seconds and should not hash gigabytes for nothing.
        manifest = read_manifest(folder)
        if manifest.fingerprint != fingerprint:
            raise WrongModel.of(
                str(index), manifest.model, manifest.fingerprint, fingerprint, f"--index {index}"
            )
        backend, _ = stores.of(manifest.store, folder / MANIFEST)
        ours = read_later(folder, manifest)
        watch = Watch([*ours, *backend.read_later(folder)])
        manifest = verify(folder)
        if not {*backend.files, *(path.name for path in ours)} <= set(manifest.files):
            raise BrokenGeneration(f"{folder}: the manifest is missing a file; run sketchseek index again")
        store = open_store(stores, folder, manifest)
        photos = Photos(folder / PHOTOS_FILE)
        prove(index, manifest, store, photos)
        parts = LocalParts(folder, manifest.part_bytes, manifest.part_photos) if manifest.parts else None
        opened = cls(index, manifest, store, photos, watch, parts)
        opened.identity = identity(folder)
        return opened

    def __len__(self) -> int:
        return len(self._store)

    def nearest(
        self,
        query: Vectors,
        k: int,
        *,
        where: Filter | None = None,
        min_score: float | None = None,
        fold_duplicates: bool = False,
        kinds: Mapping[Modality, float] | None = None,
    ) -> Nearest:
        """See `Library.nearest`."""
        self._watch.check()
        among = None if where is None else self._select(where)
        weights = None if kinds is None or not self._store.biased else weights_of(kinds)
        fetch = k + (self._photos.spare(k) if fold_duplicates else 1)

        def fetched(count: int) -> tuple[Nearest, bool]:
            found, complete = self._fetch(query, count, among, min_score, weights)
            if fold_duplicates:
                found = found[best_of_groups(self._photos.groups_of(found.ids))]
            return found, complete

        return settled(fetched, k, fetch)

    def hits(
        self, ids: Ids, scores: NDArray[np.float32], *, folded: bool = False, where: Filter | None = None
    ) -> list[Hit]:
        """See `Library.hits`."""
        self._watch.check()
        photos = self._photos.get(ids.tolist())
        pairs = zip(ids.tolist(), scores.tolist(), strict=True)
        found = [Hit(photos[number], score) for number, score in pairs if number in photos]
        if not folded:
            return found
        copied = self._photos.with_copies([hit.photo.group for hit in found])
        return with_duplicates(found, self._photos.members(copied, where))

    # For whoever needs no more than the best photos.
    search = search

    def count(self, where: Filter | None = None) -> int:
        """How many photos match a filter."""
        self._watch.check()
        if where is None:
            return len(self)
        return sum(0 if rows is None else len(rows) for rows in self._select(where))

    def roots(self) -> list[Path]:
        """The photo folders."""
        self._watch.check()
        return [Path(root) for root in self._photos.roots()]

    def photo(self, public_id: str) -> Photo | None:
        """The photo with an id from a search result; None for any other text."""
        self._watch.check()
        try:
            number = int(public_id, 16)
        except ValueError:
            return None
        found = self._photos.get([number]) if number < 2**63 else {}
        photo = found.get(number)
        return photo if photo and photo.public_id == public_id else None

    def vector(self, public_id: str) -> Vectors | None:
        """The semantic vector of a photo, as one row, to search for similar ones; None if no photo has this id."""
        photo = self.photo(public_id)
        return None if photo is None else self._store.vectors(np.array([photo.id], dtype=np.int64))

    def vectors(self, ids: Ids) -> Vectors:
        """The semantic vectors of photos that were found, one row each."""
        self._watch.check()
        return self._store.vectors(ids)

    def parts(self, ids: Ids, head: str) -> PartRows | None:
        """See `Library.parts`."""
        self._watch.check()
        return self._parts.of(ids) if self._parts is not None and self.manifest.parts == head else None

    def duplicates(self, photo: Photo) -> list[Photo]:
        """All near-duplicates of a photo, including itself."""
        self._watch.check()
        return self._photos.group(photo)

    @property
    def touched(self) -> bool:
        """Whether a file that searches read was written to."""
        return self._watch.touched()

    def let_write(self) -> bool:
        """Read mapped files into memory if another process waits to write to them; returns whether it did.

        The writer continues once the last search in the mapped files has finished, when it can do no harm.
        """
        whole = self._store.let_go()
        if whole is None:
            return False
        self._store = whole
        folder = self.index / "generations" / self.manifest.generation
        self._watch = Watch(read_later(folder, self.manifest))
        return True

    def lost(self) -> str | None:
        """The first file that is missing or has the wrong size; the generation remains searchable."""
        return lost_file(self.index / "generations" / self.manifest.generation, self.manifest)

    @property
    def device(self) -> str:
        """What searches it: `cpu`, or a name starting with `cuda`."""
        return self._store.device

    def release(self) -> None:
        """Free its GPU memory; running searches finish on the host."""
        self._store.release()

    def close(self) -> None:
        self._photos.close()
        self._browsing.close()

    def _fetch(
        self,
        query: Vectors,
        count: int,
        among: Selection | None,
        min_score: float | None,
        weights: Vectors | None,
    ) -> tuple[Nearest, bool]:
        """The best `count` photos, and whether there are no more."""
        ids, corrected = (row[0] for row in self._store.search(query.reshape(1, -1), count, among, weights))
        good = usable(ids, corrected)
        complete = len(ids) < count or not bool((ids >= 0).all())
        ids, corrected = ids[good], corrected[good]
        order = ordered(ids, corrected)
        found, biases = Nearest(ids[order], corrected[order], corrected[order]), None
        if weights is not None:
            vectors, biases = self._store.both(found.ids)
            found = replace(found, vectors=vectors)
        return scored(found, complete, biases, weights, min_score)

    def _select(self, where: Filter) -> Selection:
        with self._lock:
            if where in self._selections:
                self._selections.move_to_end(where)
                return self._selections[where]
        by_content = where.only is not None or where.without
        matching = self._browsing.ids if by_content else self._photos.matching
        selection = self._store.select(matching(where))
        with self._lock:
            self._selections[where] = selection
            while len(self._selections) > _REMEMBERED:
                self._selections.popitem(last=False)
        return selection
