"""`sketchseek verify --deep`: check everything in an index folder, not only what is published, and suggest fixes."""

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.safekeeping import COPY, SEAL, catalogue_damage, copy_damage, seal_damage
from indexer.catalogue.schema import CHECKED_SINCE
from indexer.decoding.thumbnails import ON_DEMAND, read_thumbnail
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex
from indexer.generations import generation
from indexer.generations.generation import PART
from indexer.generations.manifest import Manifest, damage, read_manifest
from indexer.generations.photos import PHOTOS_FILE, SETTLED, Photos
from indexer.jobs import parts
from indexer.jobs.sweeping import MOST_NOTED, damaged_thumbnails, note_damaged
from indexer.locking.lock import reading
from indexer.locking.opening import CATALOGUE, plainly
from indexer.reports.counting import counted
from indexer.reports.report import FOLDER, LAST
from indexer.shards.damage import damaged_rows
from indexer.shards.shard import PARTS, Origin

_INDEX = "sketchseek index"
_NOT_SERVED = "it is not being served; remove it with sketchseek prune 1"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written, and how to fix it."""

    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; {self.remedy}"


def inspect(index: Path) -> list[Finding]:
    """Check every byte that a run or a reader would use. Changes nothing except the list of damaged thumbnails.

    Raises IndexBusy while a run is active.
    """
    index = index.expanduser().resolve()
    with plainly(index), reading(index):
        return list(_findings(index))


def _findings(index: Path) -> Iterator[Finding]:
    manifest = yield from _published(index)
    origin = None if manifest is None else _origin(manifest)
    if (index / PART).exists():
        origin = yield from _part(index)
    yield from _reports(index)
    if not (yield from _catalogue(index)):
        return
    with Catalogue(index / CATALOGUE, read_only=True) as catalogue:
        if catalogue.version < CHECKED_SINCE:
            remedy = f"run {_INDEX} to upgrade it, then everything can be checked"
            yield Finding(str(index / CATALOGUE), "written by an older version, without checksums", remedy)
            return
        if origin is not None:
            yield from _rows(index, origin, catalogue)
        if manifest is not None:
            yield from _differences(index, manifest, catalogue)
        yield from _thumbnails(index / "thumbnails", catalogue)


def _published(index: Path) -> Generator[Finding, None, Manifest | None]:
    """Return the manifest of the generation to serve, or else of the newest intact one."""
    whole: dict[str, Manifest] = {}
    try:
        serving = generation.current(index).name
    except NoIndex as error:
        if not (index / PART).exists():
            yield _finding(index, str(error))
        serving = ""
    except BrokenGeneration as error:
        yield _finding(index / "CURRENT", str(error))
        serving = ""
    there = generation.generations(index)
    if serving and serving not in {folder.name for folder in there}:
        gone = index / "generations" / serving
        yield Finding(
            str(gone),
            "should be served, but is missing or not a generation",
            f"run {_INDEX} to publish again",
        )
    for folder in there:
        damaged = damage(folder)
        for finding in (_finding(folder, line) for line in damaged):
            # A run rebuilds only what is served.
            yield replace(finding, remedy=_NOT_SERVED) if serving not in ("", folder.name) else finding
        if not damaged:
            whole[folder.name] = read_manifest(folder)
    return whole.get(serving) or next(iter(whole.values()), None)


def _part(index: Path) -> Generator[Finding, None, Origin | None]:
    try:
        part = parts.parse(index)
    except IndexProblem as error:
        yield _finding(index / PART, str(error))
        return None
    try:
        parts.read(index)
        for name in part.files:
            if name != CATALOGUE:
                parts.check_file(index, part, index / name)
    except IndexProblem as error:
        yield _finding(index / PART, str(error))
    return part.origin


def _reports(index: Path) -> Iterator[Finding]:
    for path in sorted((index / FOLDER).glob("*.json")):
        try:
            whole = isinstance(json.loads(path.read_bytes()), dict)
        except (OSError, ValueError, RecursionError):
            whole = False
        if not whole:
            remedy = f"run {_INDEX} to replace it" if path.stem == LAST else "delete it: nothing needs it"
            yield Finding(str(path), "not a report", remedy)


def _catalogue(index: Path) -> Generator[Finding, None, bool]:
    """Return whether the catalogue can be trusted."""
    path = index / CATALOGUE
    if reason := seal_damage(index):
        yield Finding(str(index / SEAL), reason, f"run {_INDEX} to write it again")
    if reason := copy_damage(index):
        yield Finding(str(index / COPY), reason, f"run {_INDEX} to make it again")
    if reason := catalogue_damage(index):
        yield Finding(str(path), f"damaged ({reason})", f"run {_INDEX} to restore it from its copy")
        return False
    if not path.is_file():
        yield Finding(str(path), "it is missing", f"run {_INDEX} with the photo folders to create it again")
        return False
    return True


def _origin(manifest: Manifest) -> Origin:
    return Origin(
        manifest.model, manifest.fingerprint, manifest.dimension, manifest.parts, manifest.part_bytes
    )


def _rows(index: Path, origin: Origin, catalogue: Catalogue) -> Iterator[Finding]:
    for series in origin.series_in(index):
        damaged = Counter(place.shard for place in damaged_rows(series, catalogue))
        for shard, count in sorted(damaged.items()):
            if series.kind is PARTS:
                lost, how = f"local parts of {counted(count, 'photo')}", "make them again"
            else:
                lost = counted(count, "vector")
                how = "copy them back from the published generation, or to embed the photos again"
            yield Finding(str(series.path(shard)), f"damaged or lost: {lost}", f"run {_INDEX} to {how}")


def _differences(index: Path, manifest: Manifest, catalogue: Catalogue) -> Iterator[Finding]:
    """Compare the catalogue with the published generation, photo by photo."""
    if generation.held(index):
        return
    path = index / "generations" / manifest.generation / PHOTOS_FILE
    if manifest.revision != catalogue.revision:
        yield Finding(
            str(index), "some recorded changes are not published yet", f"run {_INDEX} to publish them"
        )
        return
    photos = Photos(path)
    try:
        published = _sum(photos.everything())
    finally:
        photos.close()
    if published != _sum(entry[:SETTLED] for entry in catalogue.entries(manifest.fingerprint)):
        remedy = f"delete {index / 'CURRENT'} and run {_INDEX} to publish the catalogue again"
        yield Finding(str(path), "its photos differ from the catalogue", remedy)


def _sum(rows: Iterable[tuple[object, ...]]) -> tuple[int, int]:
    """Sum up rows regardless of their order, without holding them all."""
    count = total = 0
    for row in rows:
        count, total = count + 1, (total + hash(tuple(row))) & 0xFFFFFFFFFFFFFFFF
    return count, total


def _thumbnails(folder: Path, catalogue: Catalogue) -> Iterator[Finding]:
    found = damaged_thumbnails(catalogue, folder)
    if damaged := list(islice(found, MOST_NOTED)):
        # So that the next run does not have to read them all again.
        with suppress(OSError):
            note_damaged(folder, damaged)
        count = len(damaged) + sum(1 for _ in found)
        yield Finding(
            str(folder),
            f"damaged or missing: {counted(count, 'thumbnail')}",
            f"run {_INDEX} to make them again",
        )
    for kept in (folder / name for name in ON_DEMAND.values()):
        if damaged_here := sum(read_thumbnail(path) is None for path in kept.glob("*/*.webp")):
            remedy = "the service makes them again when somebody views them"
            yield Finding(str(kept), f"damaged: {counted(damaged_here, 'large picture')}", remedy)


def _finding(path: Path, line: str) -> Finding:
    """Split an error message, which already names its file and its remedy."""
    where = str(path)
    if line.startswith(where):
        end = line.find(": ", len(where))
        where, line = line[:end], line[end + 2 :]
    what, _, remedy = line.rpartition("; ")
    return Finding(where, what or line, remedy if what else f"run {_INDEX} to publish it again")
