"""Generations: immutable, checksummed indexes, published completely or not at all.

Publishing writes a temporary folder, syncs each file, writes the manifest last, renames the folder, and only then
points CURRENT to it. Readers see the old generation or the new one, never a mixture, even after a power failure.
A second line in CURRENT records a rollback to this generation; while it is there, nothing newer is published.
"""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from indexer.disk import read_plain, sync
from indexer.errors import BrokenGeneration, NoIndex
from indexer.generations import numbering
from indexer.generations.manifest import MANIFEST, Manifest, damage, read_manifest, seal_manifest
from indexer.reports.times import now

PART = "part.json"
_HELD = "rolled back from"


def current(index: Path) -> Path:
    """The folder of the generation to serve."""
    name, _ = _pointer(index)
    return index / "generations" / name


def held(index: Path) -> str | None:
    """Why nothing newer is published; None if there was no rollback."""
    try:
        return _pointer(index)[1] or None
    except (NoIndex, BrokenGeneration):
        return None


def _pointer(index: Path) -> tuple[str, str]:
    pointer = index / "CURRENT"
    try:
        name, _, remark = read_plain(pointer).decode().strip().partition("\n")
    except FileNotFoundError:
        raise NoIndex(_explain_absence(index)) from None
    except UnicodeDecodeError:
        name, remark = "", ""
    except OSError as error:
        raise NoIndex(f"{pointer}: cannot be read ({error}); run sketchseek index again") from None
    if not re.fullmatch(r"[0-9]{6,}", name):
        raise BrokenGeneration(f"{pointer}: does not name a generation; run sketchseek index again")
    return name, remark


def _explain_absence(index: Path) -> str:
    command = f"sketchseek index PHOTOS --index {index}"
    if not index.exists():
        return f"{index}: no such folder; create an index there with: {command}"
    if (index / PART).exists():
        return f"{index}: only one part of a library; combine all parts with sketchseek merge"
    if (index / "catalogue.sqlite").exists():
        return f"{index}: nothing published yet; finish it with: {command}"
    return f"{index}: not an index (no file CURRENT); create one with: {command}"


def generations(index: Path) -> list[Path]:
    """All published generations that still exist, newest first."""
    folder = index / "generations"
    return sorted(_finished(folder), key=_number, reverse=True) if folder.is_dir() else []


def publish(index: Path, write: Callable[[Path, str], Manifest]) -> Manifest:
    """Let `write` fill a new folder, then make that the current generation."""
    folder = index / "generations"
    folder.mkdir(exist_ok=True)
    _clear_leftovers(folder)
    name = f"{numbering.highest(index) + 1:06d}"
    temporary = folder / f"{name}.tmp"
    temporary.mkdir()
    try:
        manifest = write(temporary, name)
        for path in temporary.iterdir():
            sync(path)
        (temporary / MANIFEST).write_bytes(seal_manifest(manifest))
        sync(temporary / MANIFEST)
        sync(temporary)
        numbering.remember(index, int(name))
    except BaseException:
        # Free the disk space, so that the next run can publish.
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    temporary.rename(folder / name)
    sync(folder)
    _point(index, name)
    return manifest


def rollback(index: Path) -> tuple[str, str]:
    """Go back to the newest intact generation before the current one, and hold it; returns the old and new names."""
    try:
        serving = current(index).name
    except BrokenGeneration:
        serving = f"{_number(generations(index)[0]) + 1:06d}" if generations(index) else "000000"
    for folder in generations(index):
        if _number(folder) < int(serving) and not damage(folder):
            _point(index, folder.name, f"{_HELD} {serving} at {now()}")
            return serving, folder.name
    raise NoIndex(f"{index}: no intact generation before {serving} to go back to")


def release(index: Path) -> str:
    """End a rollback, so that the next run publishes again."""
    name = current(index).name
    _point(index, name)
    return name


def prune(index: Path, keep: int = 2) -> list[str]:
    """Remove all but the newest `keep` generations, never the current one. Returns the removed names."""
    serving = current(index)
    others = [folder for folder in generations(index) if folder != serving]
    if others[max(0, keep - 1) :]:
        numbering.remember(index, numbering.highest(index))
    for folder in others[max(0, keep - 1) :]:
        remove(folder)
    return [folder.name for folder in reversed(others[max(0, keep - 1) :])]


def remove(folder: Path) -> None:
    """Remove a generation that is not current. It is renamed first, so that an interruption leaves no partial one."""
    leftover = folder.with_suffix(".tmp")
    folder.rename(leftover)
    shutil.rmtree(leftover)


def fingerprints(index: Path) -> set[str]:
    """Fingerprints of the models and local heads of all generations, except those with a damaged manifest."""
    found = set()
    for folder in generations(index):
        with suppress(BrokenGeneration):
            manifest = read_manifest(folder)
            found |= {manifest.fingerprint, *filter(None, [manifest.parts])}
    return found


def _number(folder: Path) -> int:
    return int(folder.name)


def _finished(folder: Path) -> list[Path]:
    """Folders that are generations by name and content; nothing else is ever removed."""
    return [path for path in _numbered(folder) if (path / MANIFEST).is_file()]


def _numbered(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if re.fullmatch(r"[0-9]{6,}", path.name)]


def _clear_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        if re.fullmatch(r"\d{6,}\.tmp", path.name) and path.is_dir():
            shutil.rmtree(path)


def _point(index: Path, name: str, remark: str = "") -> None:
    temporary = index / "CURRENT.tmp"
    temporary.write_text(f"{name}\n{remark}".rstrip() + "\n", encoding="utf-8")
    sync(temporary)
    temporary.replace(index / "CURRENT")
    sync(index)
