"""The state of an index, without loading a model: what it serves, its size on disk, and any problems."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexer.errors import BrokenGeneration, IndexProblem
from indexer.generations import generation
from indexer.generations.generation import PART
from indexer.generations.manifest import Manifest, damage, read_manifest
from indexer.jobs import parts
from indexer.jobs.parts import Part
from indexer.locking.lock import is_held
from indexer.reports.report import last_report


@dataclass(frozen=True)
class Status:
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
    generations: tuple[str, ...]
    size: dict[str, int]
    last_run: str | None
    running: bool
    part: str | None
    report: dict[str, Any] | None
    problems: tuple[str, ...]


def status(index: Path) -> Status:
    """Check an index; reads every byte of the current generation, as a reader would."""
    problems: list[str] = []
    last_run, running = _last_run(index), is_held(index)
    is_part = (index / PART).exists()
    part = _part(index, running, problems) if is_part else None
    serving = None if is_part else _serving(index, problems)
    if held := generation.held(index):
        problems.append(f"{held}: nothing newer is published until sketchseek rollback --release")
    return Status(
        index=str(index),
        generation=serving.generation if serving else None,
        published=serving.created if serving else None,
        photos=serving.photos if serving else part.photos if part else 0,
        model=serving.model if serving else part.model if part else None,
        index_type=serving.store if serving else None,
        recall=serving.recall if serving else None,
        generations=tuple(folder.name for folder in generation.generations(index)),
        size={name: _size(index / name) for name in ("generations", "vectors", "thumbnails")},
        last_run=last_run,
        running=running,
        part=part.partition if part else None,
        report=last_report(index),
        problems=tuple(problems),
    )


def _part(index: Path, running: bool, problems: list[str]) -> Part | None:
    """Read `part.json`; while a run is active, the files need not match it."""
    try:
        return parts.parse(index) if running else parts.read(index)
    except IndexProblem as error:
        problems.append(str(error))
        return None


def is_running(index: Path) -> bool:
    """Whether a run is active."""
    return is_held(index)


def _serving(index: Path, problems: list[str]) -> Manifest | None:
    try:
        folder = generation.current(index)
        if not (found := damage(folder)):
            return read_manifest(folder)
        problems += found
    except BrokenGeneration as error:
        problems.append(str(error))
    for other in generation.generations(index):
        if not damage(other):
            return read_manifest(other)
    return None


def _last_run(index: Path) -> str | None:
    """Return when a run last began or ended here."""
    try:
        changed = datetime.fromtimestamp((index / "LOCK").lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
    return changed.isoformat(timespec="seconds")


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
