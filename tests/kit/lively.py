"""Live libraries: photos that change in every way, shelves that count what is sent, and all that a library answers."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indexer import Filter, Silent, run
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.collection import Collection
from indexer.library import Library, Shelf
from indexer.remote.database import Batch
from indexer.remote.shelf import RemoteShelf
from indexer.shards.shard import Origin
from indexer.values import Facts
from model.modality import Modality, unit
from tests.kit.standin import DIMENSION, StandIn, write_photo

HEAD = "f" * 16
FOLDERS = ("a", "a/deep", "b c", "mu\u0308ll")
CAMERAS = ("NIKON D70", "Pixel 8", None)
FILTERS = (
    None,
    Filter(folder="a"),
    Filter(folder="b c"),
    Filter(camera="pixel 8"),
    Filter(after="2016", before="2019"),
    Filter(folder="nowhere"),
)


@dataclass
class Photos:
    """A folder of photos, the folder where the indexer works, and what is said of each photo by its name."""

    folder: Path
    encoder: StandIn = field(default_factory=lambda: StandIn(parts=HEAD))
    moments: dict[str, str | None] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    next: int = 0

    @property
    def photos(self) -> Path:
        return self.folder / "photos"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def origin(self) -> Origin:
        parts = {} if self.encoder.local is None else {"parts": HEAD, "part_bytes": DIMENSION}
        return Origin("stand-in", self.encoder.fingerprint, DIMENSION, **parts)

    def described(self, entry: Entry) -> Entry:
        """For `describe_photos`: the pictures have no metadata."""
        moment = self.moments.get(entry.relative)
        camera = CAMERAS[sum(entry.relative.encode()) % 3]
        return entry._replace(taken=moment, camera=camera, moment=moment)

    def names(self) -> list[str]:
        return sorted(
            path.relative_to(self.photos).as_posix() for path in self.photos.rglob("*") if path.is_file()
        )

    def add(self, moment: str | None = "", name: str | None = None) -> str:
        self.next += 1
        name = name or f"{FOLDERS[self.next % len(FOLDERS)]}/{self.next}.png"
        write_photo(self.photos / name, self.next)
        self.date(name, self.moment() if moment == "" else moment)
        return name

    def date(self, name: str, moment: str | None) -> None:
        self.moments[name] = moment

    def moment(self) -> str | None:
        dice = self.chance
        if dice.random() < 0.1:
            return None
        return f"{dice.randint(2014, 2020)}-{dice.choice(('03', '09'))}-{dice.randint(1, 28):02d}T10:00:00"

    def move(self, name: str, other: str) -> None:
        (self.photos / other).parent.mkdir(parents=True, exist_ok=True)
        (self.photos / name).rename(self.photos / other)
        self.moments[other] = self.moments.pop(name)

    def copy(self, name: str, other: str) -> None:
        (self.photos / other).write_bytes((self.photos / name).read_bytes())
        self.moments[other] = self.moments[name]

    def change(self) -> None:
        """Photos are added, removed, renamed, given other dates, edited, copied, and copies lose their originals."""
        dice = self.chance
        dice.shuffle(names := self.names())
        for number in range(2):
            self.add()
            (self.photos / names.pop()).unlink()
            self.move(names.pop(), f"renamed {self.next}/{number}.png")
            self.date(names.pop(), self.moment())
            write_photo(self.photos / names.pop(), 10_000 + self.next)
            self.copy(names.pop(), f"a/copy {self.next}.png")
        self.add(moment="2031-01-01T00:00:00")
        self.date(names.pop(), "2030-01-01T00:00:00")
        self.date(names.pop(), None)
        originals = [name for name in self.names() if name not in names and "copy" not in name]
        (self.photos / dice.choice(originals)).unlink()

    def index(self) -> None:
        """Embed what is new; also publishes it in the work folder."""
        run(self.work, [self.photos], self.encoder, Silent(), accept_deletions=True)  # type: ignore[arg-type]

    def publish(self, to: Shelf, **options: Any) -> Facts:
        with (
            Catalogue(self.work / "catalogue.sqlite", read_only=True) as catalogue,
            to.writing(),
        ):
            return to.publish(Collection(self.work, self.origin, catalogue), **options)


@dataclass
class Sent:
    """How many rows were sent to a live table, and how many ids were deleted."""

    put: int = 0
    deleted: int = 0


@contextmanager
def counting(kept_on: RemoteShelf) -> Iterator[Sent]:
    """Count while rows of its tables are changed."""
    database: Any = kept_on.database
    sent, change = Sent(), database.change

    @contextmanager
    def counted(*given: Any) -> Iterator[Any]:
        with change(*given) as changer:
            put, delete = changer.put, changer.delete

            def putting(batch: Batch) -> None:
                sent.put += len(batch)
                put(batch)

            def deleting(ids: Sequence[int]) -> None:
                sent.deleted += len(ids)
                delete(ids)

            changer.put, changer.delete = putting, deleting
            yield changer

    database.change = counted
    try:
        yield sent
    finally:
        database.change = change


def answers(opened: Library) -> dict[str, Any]:
    """All that a library says, whatever its table looks like."""
    contents = frozenset(photo.content for photo in opened.listing(k=1000)[::3])
    filters = (*FILTERS, Filter(only=contents), Filter(without=contents))
    found: dict[str, Any] = {"photos": len(opened), "roots": opened.roots()}
    for where in filters:
        found |= {f"{where} {what}": said for what, said in _with(opened, where).items()}
    found["facets"] = [opened.facets(hidden) for hidden in (frozenset[str](), contents)]
    listed = opened.listing(k=1000)
    found["groups"] = {photo.id: opened.duplicates(photo) for photo in listed}
    ids = np.array([photo.id for photo in listed], dtype=np.int64)
    found["vectors"] = opened.vectors(ids).round(3).tolist()
    parts = opened.parts(ids, HEAD)
    found["parts"] = None if parts is None else (parts.rows.tolist(), parts.present.tolist())
    return found


def _with(opened: Library, where: Filter | None) -> dict[str, Any]:
    found: dict[str, Any] = {"count": opened.count(where), "timeline": opened.timeline(where)}
    whole = opened.listing(where, k=1000)
    # The places of a filter are held, and pages are cut from them; without one, each offset takes its own way.
    for k in (1, 7) if where is None else (3,):
        pages = [opened.listing(where, offset=offset, k=k) for offset in range(0, len(whole) + k, k)]
        found[f"pages of {k}"] = [photo for page in pages for photo in page]
    found["months"] = [opened.listing(where, month=one.month, k=1000) for one in opened.timeline(where)]
    found["listed"] = whole
    for seed in range(2):
        drawn = np.random.default_rng(seed).standard_normal((1, DIMENSION)).astype(np.float32)
        for kinds in (None, {Modality.SKETCH: 1.0}):
            best = opened.nearest(unit(drawn), 9, where=where, fold_duplicates=True, kinds=kinds)
            # Which of several copies comes first is a matter of rounding.
            shown = [hit.photo.content for hit in opened.hits(best.ids, best.scores)]
            found[f"nearest {seed} {kinds}"] = (shown, best.scores.round(2).tolist())
    return found


@dataclass(frozen=True)
class Libraries:
    """On the same server: a live one, and one that is always written whole."""

    live: RemoteShelf
    whole: RemoteShelf
