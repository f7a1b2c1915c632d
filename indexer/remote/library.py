"""An open generation on a server. Nothing is held here but what was found lately."""

import base64
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.conditions import EVERYTHING, Condition, OneOf, between, described, every
from indexer.errors import BrokenGeneration, StoreUnavailable
from indexer.library import search
from indexer.nearest import best_of_groups, ordered, scored, settled, usable, with_duplicates
from indexer.remote.browsing import RemoteBrowsing, Texts
from indexer.remote.database import Table
from indexer.remote.lately import Lately, Numbers, in_chunks
from indexer.remote.live.order import Order
from indexer.remote.manifest import RemoteFacts
from indexer.remote.rows import PART, PHOTO, photos_of
from indexer.stores.biased import asking
from indexer.values import Facets, Filter, Hit, Ids, Month, Nearest, PartRows, Photo, Refused
from model.bank import weights_of
from model.modality import Modality, Vectors

_REMEMBERED = 64
_SPARE, _TOGETHER = 8, 3


class RemoteLibrary:
    """See `indexer.library.Library`."""

    touched = False
    # For whoever needs no more than the best photos.
    search = search

    def __init__(self, table: Table, facts: RemoteFacts, texts: Texts) -> None:
        self.manifest = facts
        self.identity = facts.described.publication
        self.refused: tuple[Refused, ...] = ()
        self.device = "cpu"
        self._table = table
        self._texts = texts
        self._browsing = RemoteBrowsing(table, texts, self._described)
        self._photos: Lately[Photo] = Lately(self._asked_photos)
        self._vectors: Lately[Vectors] = Lately(self._asked_vectors)
        self._parts: Lately[str] = Lately(self._asked_parts)
        self._counts: OrderedDict[Filter, int] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def order(self) -> Order:
        return self._texts.order

    def __len__(self) -> int:
        return self.manifest.photos

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
        weights = None if kinds is None or not self.manifest.bank else weights_of(kinds)
        asked = (
            asking(query.reshape(1, -1), weights) if self.manifest.described.tail else query.reshape(1, -1)
        )
        condition, effort = self._described(where), self._effort(where)

        def fetched(count: int) -> tuple[Nearest, bool]:
            found = self._table.search(asked, count, condition, effort)
            good = usable(found.ids, found.scores)
            order = np.flatnonzero(good)[ordered(found.ids[good], found.scores[good])]
            groups, biases = found.groups[order], found.biases[order]
            best = Nearest(found.ids[order], found.scores[order], found.scores[order])
            if fold_duplicates:
                kept = best_of_groups(groups)
                best, biases = best[kept], biases[kept]
            return scored(best, len(found.ids) < count, biases, weights, min_score)

        # As many as a page mostly needs: of near-duplicates, only the best stays.
        share = self.manifest.measured.folded / max(1, len(self))
        spare = min(k, int(_TOGETHER * share * k)) + _SPARE if fold_duplicates else 1
        return settled(fetched, k, k + spare, max(k, self._table.most))

    def hits(
        self, ids: Ids, scores: NDArray[np.float32], *, folded: bool = False, where: Filter | None = None
    ) -> list[Hit]:
        photos = self._photos.get(ids.tolist())
        pairs = zip(ids.tolist(), scores.tolist(), strict=True)
        found = [Hit(photos[number], score) for number, score in pairs if number in photos]
        if not folded:
            return found
        return with_duplicates(found, self._members([hit.photo.group for hit in found], where))

    def count(self, where: Filter | None = None) -> int:
        if where is None or where == Filter():
            return len(self)
        with self._lock:
            if where in self._counts:
                self._counts.move_to_end(where)
                return self._counts[where]
        found = self._table.count(self._described(where))
        with self._lock:
            self._counts[where] = found
            while len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
        return found

    def roots(self) -> list[Path]:
        return [Path(root) for root in self._texts.roots]

    def photo(self, public_id: str) -> Photo | None:
        try:
            number = int(public_id, 16)
        except ValueError:
            return None
        photo = self._photos.get([number]).get(number) if 0 <= number < 2**63 else None
        return photo if photo and photo.public_id == public_id else None

    def vector(self, public_id: str) -> Vectors | None:
        photo = self.photo(public_id)
        row = None if photo is None else self._vectors.get([photo.id]).get(photo.id)
        return None if row is None else row.reshape(1, -1)

    def vectors(self, ids: Ids) -> Vectors:
        dimension, numbers = self.manifest.dimension, ids.tolist()
        rows = self._vectors.get(numbers)
        # Where one was deleted since it was found, nothing is like it.
        gone = np.zeros(dimension, dtype=np.float32)
        return np.array([rows.get(number, gone) for number in numbers], dtype=np.float32).reshape(
            -1, dimension
        )

    def parts(self, ids: Ids, head: str) -> PartRows | None:
        width = self.manifest.described.part_bytes
        if not width or self.manifest.parts != head:
            return None
        rows, present = np.zeros((len(ids), width), dtype=np.uint8), np.zeros(len(ids), dtype=bool)
        known = self._parts.get(ids.tolist())
        for place, number in enumerate(ids.tolist()):
            if text := known.get(number):
                rows[place], present[place] = np.frombuffer(base64.b64decode(text), dtype=np.uint8), True
        return PartRows(rows, present)

    def duplicates(self, photo: Photo) -> list[Photo]:
        return self._members([photo.group], None)[photo.group]

    def timeline(self, where: Filter | None = None) -> list[Month]:
        return self._browsing.timeline(where)

    def listing(
        self, where: Filter | None = None, *, month: str | None = None, offset: int = 0, k: int = 100
    ) -> list[Photo]:
        return self._browsing.listing(where, month, offset, k)

    def facets(self, without: frozenset[str] = frozenset()) -> Facets:
        return self._browsing.facets(without)

    def let_write(self) -> bool:
        return False

    def lost(self) -> str | None:
        if (loading := self._table.ready()) is not None:
            raise StoreUnavailable(loading)
        return None

    def release(self) -> None:
        pass

    def close(self) -> None:
        pass

    def prove(self, where: str) -> None:
        """Raise BrokenGeneration unless a search finds a stored vector."""
        first = self.order.first
        rows = self._table.select(["id", "vector"], between("place", first, first + 1), 1)
        for number, vector in zip(rows["id"], rows["vector"], strict=True):
            found = self._table.search(vector.reshape(1, -1), 1, EVERYTHING, self._effort(None))
            # A copy may come first, but then it must score the same.
            same = len(found.ids) and (
                found.ids[0] == number or found.scores[0] >= 0.998 * float(vector @ vector)
            )
            if not same:
                raise BrokenGeneration(
                    f"{where}: a search does not find a stored vector; run sketchseek index again"
                )

    def _described(self, where: Filter | None) -> Condition:
        if where is None:
            return EVERYTHING
        cameras = list(self._texts.counts.cameras) if where.camera else ()
        parts = [described(where, self._texts.roots, cameras)]
        if where.only is not None:
            parts.append(OneOf("content", tuple(sorted(where.only))))
        if where.without:
            parts.append(OneOf("content", tuple(sorted(where.without)), negated=True))
        return every(parts)

    def _effort(self, where: Filter | None) -> int:
        """The effort that was enough with a filter that as many photos pass."""
        efforts = self.manifest.measured.efforts
        if self.manifest.measured.exact or not efforts:
            # Nothing to choose, so nothing to count on the way to a search.
            return 0
        share = max(1, self.count(where)) / max(1, len(self))
        return min(efforts, key=lambda known: abs(log(known[0] / share)))[1]

    def _asked_photos(self, some: Numbers) -> dict[int, Photo]:
        found = photos_of(self._table.select(PHOTO, OneOf("id", some), len(some)))
        return {photo.id: photo for photo in found}

    def _asked_vectors(self, some: Numbers) -> dict[int, Vectors]:
        found = self._table.select(["id", "vector"], OneOf("id", some), len(some))
        # Copies: a row of the answer would hold all of it.
        rows = (vector[: self.manifest.dimension].copy() for vector in found["vector"])
        return dict(zip(found["id"], rows, strict=True))

    def _asked_parts(self, some: Numbers) -> dict[int, str]:
        found = self._table.select(["id", PART], OneOf("id", some), len(some))
        return dict(zip(found["id"], found[PART], strict=True))

    def _members(self, groups: Sequence[int], where: Filter | None) -> dict[int, list[Photo]]:
        found: dict[int, list[Photo]] = {group: [] for group in groups}
        for some in in_chunks(list(found)):
            condition = every([OneOf("grp", some), self._described(where)])
            for photo in photos_of(self._table.select(PHOTO, condition, self._table.most)):
                found[photo.group].append(photo)
        for group in found.values():
            group.sort(key=lambda photo: (photo.relative, photo.root))
        return found
