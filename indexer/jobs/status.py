"""The state of an index, without loading a model: what it serves, its size on disk, and any problems."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexer.disk import files_below
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex
from indexer.folders.reach import Reach
from indexer.generations import generation
from indexer.generations.generation import PART
from indexer.generations.manifest import Manifest, damage, read_manifest
from indexer.generations.photos import PHOTOS_FILE, Photos
from indexer.health import Checked, Trouble, held_back, troubles
from indexer.jobs import parts
from indexer.jobs.parts import Part
from indexer.locking.lock import is_held
from indexer.reports.report import last_report

# How long a drive may take to show what is in a folder.
_PATIENCE = 3.0


@dataclass(frozen=True)
class Status(Checked):
    """The state of an index.

    `generation` is the one that a reader would open; None if none is intact. Sizes are in bytes. `part` says which
    part of a library this is (a part cannot be opened); `report` is that of the last run.
    """

    index: str
    generation: str | None
    published: str | None
    photos: int
    model: str | None
    index_type: str | None
    recall: float | None
    # How many photos have local parts, and the local head that made them; None if none have.
    with_parts: int
    parts: str | None
    generations: tuple[str, ...]
    size: dict[str, int]
    last_run: str | None
    running: bool
    part: str | None
    report: dict[str, Any] | None


def status(index: Path) -> Status:
    """Check an index and its photo folders; reads every byte of the current generation, as a reader would."""
    found: list[Trouble] = []
    running, report = is_held(index), last_report(index)
    is_part, unpublished = (index / PART).exists(), None
    part = _part(index, running, found) if is_part else None
    try:
        serving = None if is_part else _serving(index, found)
    except NoIndex as error:
        serving, unpublished = None, error
    roots = map(Path, part.roots) if part else _roots(index, serving) if serving else ()
    found += troubles(index, roots, report, running=running, reach=Reach(), seconds=_PATIENCE)
    if unpublished is not None:
        # If a run tried, say why it published nothing.
        if not found:
            raise unpublished
        found.append(Trouble("nothing is published", str(unpublished)))
    held = generation.held(index)
    if held and not any("rollback --release" in trouble.what for trouble in found):
        found.append(held_back(held))
    return Status(
        index=str(index),
        generation=serving.generation if serving else None,
        published=serving.created if serving else None,
        photos=serving.photos if serving else part.photos if part else 0,
        model=serving.model if serving else part.model if part else None,
        index_type=serving.store if serving else None,
        recall=serving.recall if serving else None,
        with_parts=serving.part_photos if serving else 0,
        parts=(serving.parts or None) if serving else None,
        generations=tuple(folder.name for folder in generation.generations(index)),
        size={name: _size(index / name) for name in ("generations", "vectors", "thumbnails")},
        last_run=_last_run(index),
        running=running,
        part=part.partition if part else None,
        report=report,
        troubles=tuple(found),
    )


def _part(index: Path, running: bool, found: list[Trouble]) -> Part | None:
    """Read `part.json`; while a run is active, the files need not match it."""
    try:
        return parts.parse(index) if running else parts.read(index)
    except IndexProblem as error:
        found.append(Trouble("the part is damaged", str(error)))
        return None


def is_running(index: Path) -> bool:
    """Whether a run is active."""
    return is_held(index)


def _serving(index: Path, found: list[Trouble]) -> Manifest | None:
    try:
        folder = generation.current(index)
        if not (damaged := damage(folder)):
            return read_manifest(folder)
    except BrokenGeneration as error:
        damaged = [str(error)]
    found += [Trouble("a generation is damaged", what) for what in damaged]
    for other in generation.generations(index):
        if not damage(other):
            return read_manifest(other)
    return None


def _roots(index: Path, serving: Manifest) -> list[Path]:
    """The photo folders of a generation."""
    with closing(Photos(index / "generations" / serving.generation / PHOTOS_FILE)) as photos:
        return [Path(root) for root in photos.roots()]


def _last_run(index: Path) -> str | None:
    """Return when a run last began or ended here."""
    try:
        changed = datetime.fromtimestamp((index / "LOCK").lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
    return changed.isoformat(timespec="seconds")


def _size(path: Path) -> int:
    return sum(described.st_size for _, described in files_below(path))
