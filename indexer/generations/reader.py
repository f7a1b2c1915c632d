"""What a reader sees: the published generation, verified, open, and ready to be searched."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from indexer.errors import BrokenGeneration, WrongModel
from indexer.generations import generation
from indexer.generations.manifest import MANIFEST, Manifest, identity, read_manifest, verify
from indexer.generations.photos import PHOTOS_FILE, Photos
from indexer.generations.watch import Watch
from indexer.library import Filter, Hit, Photo, Refused
from indexer.stores import Selection, Store
from indexer.stores.registry import Stores
from model.modality import Vectors

log = logging.getLogger("sketchseek")
# Filters that are asked again, as with every stroke of a drawing, cost nothing.
_REMEMBERED = 16


class Published:
    """An open generation. Searching it from several threads is safe; it never changes.

    `refused` lists what CURRENT names, and newer generations than this one, where they turned out to be damaged.
    All that looks something up raises BrokenGeneration where a file was changed under it.
    """

    def __init__(
        self, index: Path, manifest: Manifest, store: Store, photos: Photos, watch: Watch | None = None
    ) -> None:
        self.index = index
        self.manifest = manifest
        self.identity = ""
        self.refused: tuple[Refused, ...] = ()
        self._store = store
        self._photos = photos
        self._watch = watch or Watch(())
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
        """Opens what CURRENT names, once every byte is checked and a stored vector has found itself.

        Where that is damaged, the newest intact generation of the same model is opened instead, with a warning,
        unless the caller would rather have the error; with `past_models` also where that is of another model.
        """
        stores = stores or Stores()
        try:
            return cls._open(index, generation.current(index), fingerprint, stores)
        except (BrokenGeneration, WrongModel) as error:
            if not fall_back or (isinstance(error, WrongModel) and not past_models):
                raise
            damaged = error
        refused = [Refused(_name(index), str(damaged))]
        for folder in generation.generations(index):
            if folder.name == refused[0].generation:
                continue
            try:
                opened = cls._open(index, folder, fingerprint, stores)
            except (BrokenGeneration, WrongModel) as error:
                refused.append(Refused(folder.name, str(error)))
                continue
            opened.refused = tuple(refused)
            log.warning("serving generation %s, for %s", folder.name, refused[0].reason)
            return opened
        raise damaged

    @classmethod
    def _open(cls, index: Path, folder: Path, fingerprint: str, stores: Stores) -> Self:
        # What nobody can search need not be hashed, which a service would do every few seconds.
        manifest = read_manifest(folder)
        if manifest.fingerprint != fingerprint:
            raise WrongModel(
                f"{index}: made by another model ({manifest.model}, {manifest.fingerprint}) than the one loaded "
                f"({fingerprint}); embed the photos anew with: sketchseek index --index {index}"
            )
        backend, _ = stores.of(manifest.store, folder / MANIFEST)
        watch = Watch([folder / PHOTOS_FILE, *backend.read_later(folder)])
        manifest = verify(folder)
        if not {*backend.files, PHOTOS_FILE} <= set(manifest.files):
            raise BrokenGeneration(f"{folder}: its manifest lacks a file; run sketchseek index again")
        store = stores.open(folder, manifest.store, manifest.effort)
        opened = cls(index, manifest, store, Photos(folder / PHOTOS_FILE), watch)
        opened.identity = identity(folder)
        opened._prove()
        return opened

    def __len__(self) -> int:
        return len(self._store)

    def search(
        self,
        query: Vectors,
        k: int,
        *,
        offset: int = 0,
        where: Filter | None = None,
        min_score: float | None = None,
        fold_duplicates: bool = False,
    ) -> list[Hit]:
        """The k best photos for one semantic vector, best first, after leaving out the first `offset`.

        There are fewer only where fewer pass: a filter is applied before the search, not to its results.
        """
        self._watch.check()
        among = None if where is None else self._select(where)
        wanted = offset + k
        fetch = 2 * wanted if fold_duplicates else wanted
        while True:
            hits, complete = self._fetch(query, fetch, among, min_score)
            hits = _best_of_each_group(hits) if fold_duplicates else hits
            if complete or len(hits) >= wanted:
                page = hits[offset:wanted]
                return self._with_duplicates(page, where) if fold_duplicates else page
            fetch *= 2

    def count(self, where: Filter | None = None) -> int:
        """How many photos pass a filter."""
        self._watch.check()
        if where is None:
            return len(self)
        return sum(0 if rows is None else len(rows) for rows in self._select(where))

    def roots(self) -> list[Path]:
        """The photo folders."""
        self._watch.check()
        return [Path(root) for root in self._photos.roots()]

    def photo(self, public_id: str) -> Photo | None:
        """The photo of an id that a search gave out; None for any other text."""
        self._watch.check()
        try:
            number = int(public_id, 16)
        except ValueError:
            return None
        found = self._photos.get([number]) if number < 2**63 else {}
        photo = found.get(number)
        return photo if photo and photo.public_id == public_id else None

    def vector(self, public_id: str) -> Vectors | None:
        """The semantic vector of a photo, as one row, to search for more like it; None where no photo has this id."""
        photo = self.photo(public_id)
        return None if photo is None else self._store.vectors(np.array([photo.id], dtype=np.int64))

    def vectors(self, photos: Sequence[Photo]) -> Vectors:
        """The semantic vectors of photos that a search found, a row for each."""
        self._watch.check()
        return self._store.vectors(np.array([photo.id for photo in photos], dtype=np.int64))

    def duplicates(self, photo: Photo) -> list[Photo]:
        """All near-duplicates of a photo, itself among them."""
        self._watch.check()
        return self._photos.group(photo)

    @property
    def touched(self) -> bool:
        """Whether somebody wrote into a file that is read while it is searched."""
        return self._watch.touched()

    def let_write(self) -> bool:
        """Reads mapped files into memory if somebody waits to write into them; whether that was so.

        Whoever waits goes on once the last search in the old ones is over, and then nobody is hurt.
        """
        whole = self._store.let_go()
        if whole is None:
            return False
        self._store = whole
        self._watch = Watch([self.index / "generations" / self.manifest.generation / PHOTOS_FILE])
        return True

    def lost(self) -> str | None:
        """What is not on disk any more as it was published, by sizes alone; it is searched all the same."""
        folder = self.index / "generations" / self.manifest.generation
        for name, file in self.manifest.files.items():
            try:
                whole = (folder / name).stat().st_size == file.bytes
            except OSError:
                whole = False
            if not whole:
                return f"{folder / name}: not the file that was published; run sketchseek index again"
        return None

    @property
    def device(self) -> str:
        """Where it is searched: `cpu`, or what begins with `cuda`."""
        return self._store.device

    def release(self) -> None:
        """Gives back what it holds of a card; searches that are still under way end on the host."""
        self._store.release()

    def close(self) -> None:
        self._photos.close()

    def _fetch(
        self, query: Vectors, count: int, among: Selection | None, min_score: float | None
    ) -> tuple[list[Hit], bool]:
        """The best so many, and whether asking for more would bring no more."""
        ids, scores = self._store.search(query.reshape(1, -1), count, among)
        good = ids[0] >= 0
        if min_score is not None:
            good &= scores[0] >= min_score
        complete = len(ids[0]) < count or not bool(good.all())
        # A vector with a number that is none would come first, whatever is asked for.
        good &= np.isfinite(scores[0])
        found = ids[0][good].tolist()
        photos = self._photos.get(found)
        pairs = zip(found, scores[0][good].tolist(), strict=True)
        return [Hit(photos[number], score) for number, score in pairs if number in photos], complete

    def _with_duplicates(self, hits: list[Hit], where: Filter | None) -> list[Hit]:
        """Whatever scored too little to be fetched is folded as well: the photo list knows the groups.

        Of exact copies, which score the same, the first by its path is shown, whichever the search came upon.
        """
        members = self._photos.members([hit.photo.group for hit in hits], where)
        complete = []
        for hit in hits:
            group = members[hit.photo.group]
            shown = next((photo for photo in group if photo.content == hit.photo.content), hit.photo)
            others = tuple(photo.public_id for photo in group if photo.id != shown.id)
            complete.append(Hit(shown, hit.score, others))
        return complete

    def _select(self, where: Filter) -> Selection:
        with self._lock:
            if where in self._selections:
                self._selections.move_to_end(where)
                return self._selections[where]
        selection = self._store.select(self._photos.matching(where))
        with self._lock:
            self._selections[where] = selection
            while len(self._selections) > _REMEMBERED:
                self._selections.popitem(last=False)
        return selection

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


def _name(index: Path) -> str:
    """What CURRENT names, even where that is nothing."""
    try:
        return generation.current(index).name
    except BrokenGeneration:
        return "CURRENT"


def _best_of_each_group(hits: list[Hit]) -> list[Hit]:
    best: dict[int, Hit] = {}
    for hit in hits:
        best.setdefault(hit.photo.group, hit)
    return list(best.values())
